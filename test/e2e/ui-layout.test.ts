import type { Locator, Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { type Studio, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

/** Opening many files, and a boot for each function, takes long on a busy machine. */
vi.setConfig({ testTimeout: 90_000 });

/** Opens files that were written beside the handler, so that the row of tabs is full. */
async function openManyFiles(page: Page): Promise<void> {
  const names = ['a-module-with-a-long-name.ts', 'billing.ts', 'customers.ts', 'delivery-notes.ts', 'zeta.ts'];
  for (const name of names) studio.engine.writeOutside('hello', name, 'export {};\n');
  for (const name of names) {
    await page.locator('[data-region="side"]').getByText(name).click();
    await page.getByRole('tab', { name, exact: true, selected: true }).waitFor();
  }
}

const isInside = async (inner: Locator, outer: Locator) => {
  const [a, b] = [await inner.boundingBox(), await outer.boundingBox()];
  return a !== null && b !== null && a.x >= b.x - 1 && a.x + a.width <= b.x + b.width + 1;
};

describe.each([
  [1280, 800],
  [1024, 640],
])('at %d × %d', (width, height) => {
  it('shows the active file’s tab with its close button, and the tabs of the dock', async () => {
    studio = await openStudio({ width, height });
    const { page } = studio;
    await page.getByText('200 OK').waitFor();
    await openManyFiles(page);
    const files = page.getByRole('tablist', { name: 'Open files' });
    await until('the active tab is in sight', () => isInside(files.getByRole('tab', { selected: true }), files));
    await until('its close button is too', () => isInside(page.getByRole('button', { name: 'Close zeta.ts' }), files));
    const dock = page.getByRole('tablist', { name: 'Dock' });
    expect(await isInside(dock.getByRole('tab', { name: 'Runs' }), dock)).toBe(true);
  });

  it('draws processor time and memory as curves under the phases', async () => {
    studio = await openStudio({ width, height });
    const { page } = studio;
    await page.getByTestId('timeline-change').waitFor();
    for (const name of ['cpu', 'memory']) {
      const lane = await page.locator(`[data-lane="${name}"]`).boundingBox();
      expect(lane?.height ?? 0, name).toBeGreaterThanOrEqual(24);
    }
  });

  it.each(['prestarted', 'cold'])('shows all of what to try in the mode %s', async (mode) => {
    studio = await openStudio({ width, height });
    const { page } = studio;
    await page.getByText('200 OK').waitFor();
    if (mode === 'cold') {
      await page.getByRole('button', { name: 'Start mode, prestarted' }).click();
      await page.getByRole('menuitemradio', { name: /^cold/ }).click();
    }
    const tips = page.getByRole('region', { name: 'Three things to try' });
    await tips.getByRole('button', { name: 'compare' }).waitFor();
    for (const tip of await tips.getByRole('listitem').all()) {
      expect(await isInside(tip, tips.getByRole('list'))).toBe(true);
      expect(await tip.getByRole('button').evaluate((node) => node.scrollWidth <= node.clientWidth)).toBe(true);
    }
  });

  it('says how the run compares, by the timeline and by the history, and cuts no phase’s name', async () => {
    studio = await openStudio({ width, height });
    const { page } = studio;
    await page.getByText('200 OK').waitFor();
    const change = page.getByTestId('timeline-change');
    await change.getByText(/(faster|slower) than the median of \d+ runs \(p = /).waitFor();
    expect(await change.evaluate((node) => node.scrollWidth <= node.clientWidth)).toBe(true);
    await page
      .getByRole('region', { name: /^History/ })
      .getByText(/faster|slower/)
      .waitFor();
    const phases = page.getByRole('list', { name: 'Phases' });
    const cut = await phases
      .locator('button > span')
      .evaluateAll((names) => names.filter((name) => name.scrollWidth > name.clientWidth).length);
    expect(cut).toBe(0);
    const legend = await phases.getByRole('listitem').evaluateAll((items) => {
      const boxes = items.map((item) => item.getBoundingClientRect());
      return boxes.every((box, index) => index === 0 || box.left >= (boxes[index - 1]?.right ?? 0) - 1);
    });
    expect(legend).toBe(true);
  });
});

it('keeps the order of instances over a reload, and names the one whose resources are shown', async () => {
  studio = await openStudio();
  const { page } = studio;
  await page.getByText('200 OK').waitFor();
  const menu = page.getByRole('button', { name: 'Function', exact: true });
  for (const name of ['resize', 'word-count']) {
    await menu.click();
    await page.getByRole('menuitemradio', { name: new RegExp(`^${name}`) }).click();
    await page.keyboard.press('Control+Enter');
    await page.locator('[data-part="instance-id"]', { hasText: name }).waitFor();
    await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
  }
  const order = () => page.locator('[data-part="instance-id"]').allTextContents();
  await until('all are listed', async () => (await order()).length === 3);
  const before = await order();
  await page.reload();
  await until('all are listed again', async () => (await order()).length === 3);
  expect(await order()).toEqual(before);
  await page.getByRole('tab', { name: 'Resources' }).click();
  await page
    .getByRole('region', { name: 'Resources' })
    .getByText(/^word-count-/)
    .waitFor();
});

import { describe, expect, it, vi } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { expectVisible } from './browser.ts';
import { type Studio, type StudioOptions, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

/** A busy machine takes long for a boot and a page. */
vi.setConfig({ testTimeout: 60_000 });
const open = async (options?: StudioOptions) => {
  studio = await openStudio(options);
  await studio.page.locator('.monaco-editor .view-line').first().waitFor();
  await studio.page.getByText('200 OK').waitFor();
  return studio;
};

const press = (key: string) => studio.page.keyboard.press(key);
const runButton = () => studio.page.getByRole('button', { name: /^Run Ctrl/ });
const outcome = () => studio.page.locator('[data-part="outcome"]');

describe('Esc', () => {
  it.each([
    ['the editor', '.monaco-editor .view-line'],
    ['the console', '[data-region="dock"] .xterm-screen:visible'],
  ])('cancels a run while the focus is in %s', async (_where, place) => {
    const { page, engine } = await open();
    engine.faults.bootMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await page.getByText('Resuming the instance').first().waitFor();
    await page.locator(place).first().click();
    await page.keyboard.press('Escape');
    await runButton().waitFor();
    expect(await outcome().textContent()).toMatch(/cancelled after .* s/);
  });

  it.each([
    ['Settings', () => press('Control+Alt+S')],
    ['Options', () => press('Control+,')],
    ['Image', () => press('Control+I')],
    ['Deployed functions', () => press('Control+8')],
    ['Gateway', () => press('Control+9')],
    [
      'Run',
      async () => {
        await studio.page.getByRole('button', { name: 'All runs' }).click();
        await studio.page.getByRole('table', { name: 'Runs' }).getByRole('button', { name: 'Details' }).first().click();
      },
    ],
  ])('cancels a run while the page %s is open, and closes the page then', async (name, show) => {
    const { page, engine } = await open();
    engine.faults.bootMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await page.getByText('Resuming the instance').first().waitFor();
    await show();
    const view = page.getByRole('main', { name, exact: true });
    await view.getByRole('button').first().focus();
    await page.keyboard.press('Escape');
    await runButton().waitFor();
    expect(await view.count()).toBe(1);
    await page.keyboard.press('Escape');
    await until('the page is closed', async () => (await view.count()) === 0);
  });

  it('closes an open menu first, and cancels then', async () => {
    const { page, engine } = await open();
    engine.faults.bootMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await page.getByText('Resuming the instance').first().waitFor();
    await page.getByRole('button', { name: 'Function', exact: true }).click();
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Escape');
    await until('the menu is closed', async () => (await page.getByRole('menu').count()) === 0);
    expect(await runButton().count()).toBe(0);
    await page.keyboard.press('Escape');
    await runButton().waitFor();
  });

  it('closes the editor’s suggestions first, and cancels then', async () => {
    const { page, engine } = await open();
    engine.faults.bootMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await page.getByText('Resuming the instance').first().waitFor();
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Control+Space');
    await page.locator('.suggest-widget.visible').waitFor();
    await page.keyboard.press('Escape');
    await until(
      'the suggestions are closed',
      async () => (await page.locator('.suggest-widget.visible').count()) === 0,
    );
    expect(await runButton().count()).toBe(0);
    await page.keyboard.press('Escape');
    await runButton().waitFor();
  });
});

describe('a cancelled run', () => {
  it('shows that it was cancelled, in grey, and not the error before it', async () => {
    const { page, engine } = await open();
    engine.faults.runError = new FirstlightError('LIBVIRT_UNREACHABLE', 'libvirt does not answer.', {
      hint: 'Start it.',
    });
    await page.keyboard.press('Control+Enter');
    await outcome().getByText('libvirt does not answer.').waitFor();
    engine.faults.runError = null;
    engine.faults.bootMs = 60_000;
    await page.keyboard.press('Control+Enter');
    await page.getByText('Resuming the instance').first().waitFor();
    await page.keyboard.press('Escape');
    await outcome()
      .getByText(/cancelled/)
      .waitFor();
    expect(await page.getByText('libvirt does not answer.').count()).toBe(0);
    expect(await outcome().locator('.danger').count()).toBe(0);
  });
});

describe('a verdict', () => {
  it('is not given on a run that threw', async () => {
    const { page, engine } = await open();
    engine.faults.functionError = new FirstlightError('FUNCTION_THREW', 'The function threw: no name');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').getByText('The function threw: no name').waitFor();
    await page.getByText('A run without an answer is not compared.').first().waitFor();
    expect(await page.getByText(/faster|slower/).count()).toBe(0);
  });

  it('compares with a run of the same mode and event, or says why there is none', async () => {
    const { page } = await open();
    await page
      .getByText(/than the median of 10 runs/)
      .first()
      .waitFor();
    await page.getByLabel('Event, as JSON').fill('{ "name": "Nobody before" }');
    await page.keyboard.press('Control+Enter');
    await page
      .getByText(/No earlier prestarted run with this event/)
      .first()
      .waitFor();
    await page.keyboard.press('Control+Enter');
    await expectVisible(page.getByText(/(than|as) the one other run/).first());
  });

  it('of “Run it cold, compare” draws both runs, names what differs, and leaves the mode as it was', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Run it cold, compare' }).click();
    await page
      .getByText(/slower than the median of 11 runs, cold against prestarted \(p = /)
      .first()
      .waitFor();
    const names = page.getByRole('list', { name: 'Phases' }).locator('button > span');
    const cut = await names.evaluateAll((all) => all.filter((name) => name.scrollWidth > name.clientWidth).length);
    expect(cut).toBe(0);
    const chips = page.getByRole('listbox', { name: /Last runs/ }).getByRole('option');
    expect(await chips.nth(1).getAttribute('class')).toMatch(/ghost/i);
    await page.getByRole('button', { name: 'Start mode, prestarted' }).waitFor();
    expect(await page.locator('.ok', { hasText: /slower|faster/ }).count()).toBe(0);
  });
});

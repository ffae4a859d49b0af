import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { lowContrast } from './contrast.ts';
import { type Studio, type StudioOptions, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

const open = async (options?: StudioOptions) => {
  studio = await openStudio(options);
  await studio.page.locator('.monaco-editor .view-line').first().waitFor();
  await studio.page.getByText('200 OK').waitFor();
  return studio;
};
const openWeb = async (page: Page) => {
  await page.keyboard.press('Control+6');
  await page.getByRole('list', { name: 'Images' }).getByRole('button', { name: /web/ }).click();
  await page.getByRole('treegrid').waitFor();
};
const selectedRow = (page: Page) => page.locator('[aria-selected="true"][data-index]');

describe('the image inspector', () => {
  it('shows the built image with Ctrl+I: a kernel by its sections', async () => {
    const { page } = await open();
    await page.keyboard.press('Control+i');
    await page.getByText('it boots without a disk').waitFor();
    expect(
      await page.getByRole('table', { name: 'Sections, biggest first' }).locator('tbody th').first().textContent(),
    ).toBe('.text');
    await page.keyboard.press('Escape');
    await page.getByText('it boots without a disk').waitFor({ state: 'detached' });
  });

  it('says what an image starts, how its disk is used, and what it says of itself', async () => {
    const { page } = await open();
    await openWeb(page);
    await page.getByText('/usr/bin/node /app/host.mjs').waitFor();
    expect(await page.getByRole('figure', { name: 'How the disk is used' }).textContent()).toContain('free 13.0 MiB');
    await page.getByRole('tab', { name: 'About the image' }).click();
    await page.getByRole('region', { name: 'File system' }).getByText('6f1c2a3b-0000').waitFor();
    expect(await page.getByRole('region', { name: 'Options' }).textContent()).toContain('debug_exit');
    await page.getByRole('tab', { name: 'Kernel' }).click();
    await page.getByRole('row', { name: /^kernel/ }).waitFor();
  });

  it('walks the tree with the keyboard, biggest first, and shows how a file begins', async () => {
    const { page } = await open();
    await openWeb(page);
    const grid = page.getByRole('treegrid', { name: /biggest first/ });
    await grid.focus();
    await page.keyboard.press('ArrowDown');
    expect(await selectedRow(page).textContent()).toMatch(/^usr/);
    await page.keyboard.press('ArrowLeft');
    expect(await selectedRow(page).getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('ArrowDown');
    expect(await selectedRow(page).textContent()).toMatch(/^app/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await selectedRow(page).textContent()).toMatch(/^function.mjs/);
    expect(await selectedRow(page).getAttribute('aria-level')).toBe('2');
    expect(await grid.getAttribute('aria-activedescendant')).toBe(await selectedRow(page).getAttribute('id'));
    await page.keyboard.press('Enter');
    await page.getByText('This is /app/function.mjs.').waitFor();
    await page.keyboard.press('ArrowLeft');
    expect(await selectedRow(page).textContent()).toMatch(/^app/);
    await page.keyboard.press('End');
    expect(await selectedRow(page).textContent()).toMatch(/^lib64/);
  });

  it('finds a file in the tree by a click on the map, and shows a folder alone there', async () => {
    const { page } = await open();
    await openWeb(page);
    const map = page.locator('[data-part="map"]');
    await map.locator('[aria-label="/usr/bin/node"]').click();
    expect(await selectedRow(page).textContent()).toMatch(/^node/);
    await page.getByRole('button', { name: /Show how it begins/ }).click();
    await page.getByText('7f 45 4c 46').waitFor();
    await page.getByRole('row', { name: /^app/ }).click();
    await page.getByRole('button', { name: 'Show it alone in the map' }).click();
    await map.locator('[aria-label="/app/host.mjs"]').waitFor();
    expect(await map.locator('[aria-label="/usr/bin/node"]').count()).toBe(0);
    await page
      .getByRole('navigation', { name: /Folder that the map/ })
      .getByRole('button', { name: 'All files' })
      .click();
    await map.locator('[aria-label="/usr/bin/node"]').waitFor();
  });

  it('filters twelve thousand files, and draws only the rows in view', async () => {
    const { page } = await open({ imageFiles: 12_000 });
    await openWeb(page);
    await page.getByText('12,007 files').waitFor();
    await page.getByLabel('Filter by path').fill('node_modules/');
    await page.getByText('12,000 of 12,007').waitFor();
    const grid = page.getByRole('treegrid');
    expect(Number(await grid.getAttribute('aria-rowcount'))).toBeGreaterThan(12_000);
    expect(await page.locator('tr[data-index]').count()).toBeLessThan(100);
    await grid.focus();
    await page.keyboard.press('End');
    const last = Number(await grid.getAttribute('aria-rowcount')) - 2;
    await page.locator(`tr[data-index="${last}"][aria-selected="true"]`).waitFor();
    expect(await page.locator('tr[data-index]').count()).toBeLessThan(100);
    await page.getByLabel('Filter by path').fill('no such letters');
    await page.getByText('No path has these letters').waitFor();
    await page.getByLabel('Filter by path').focus();
    await page.keyboard.press('Escape');
    await page.getByText('12,007 files').waitFor();
    expect(await grid.count()).toBe(1);
  });

  it('looks into a file by its path, and says what is wrong with one', async () => {
    const { page, engine } = await open();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Command' }).fill('look into an image file');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Look into an image' });
    await dialog.getByRole('textbox').fill('relative.img');
    expect(await dialog.getByRole('button', { name: 'Open' }).isDisabled()).toBe(true);
    engine.faults.imageError = new FirstlightError('IMAGE_INVALID', '/etc/passwd is not an image.', {
      hint: 'Images of Nanos, of ops, and ours can be read.',
    });
    await dialog.getByRole('textbox').fill('/etc/passwd');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('/etc/passwd is not an image.').waitFor();
    engine.faults.imageError = null;
    await page.getByRole('button', { name: 'Read it again' }).click();
    await page.getByRole('alert').getByText('There is no /etc/passwd.').waitFor();
  });

  it.each([
    [1280, 800],
    [1024, 640],
  ])('holds tree, map and file on one screen at %d × %d', async (width, height) => {
    const { page } = await open({ width, height });
    await openWeb(page);
    for (const part of [
      '[role="treegrid"]',
      '[data-part="map"]',
      '[aria-label="Selected"]',
      '[aria-label="How the disk is used"]',
    ]) {
      const box = await page.locator(part).first().boundingBox();
      expect(box?.height, part).toBeGreaterThan(20);
      expect((box?.y ?? 0) + (box?.height ?? 0), part).toBeLessThanOrEqual(height);
      expect((box?.x ?? 0) + (box?.width ?? 0), part).toBeLessThanOrEqual(width);
    }
  });

  it.each(['dark', 'light'] as const)(
    'has no text under 4.5:1 in the %s theme, and names every control',
    async (colorScheme) => {
      const { page } = await open({ colorScheme, imageFiles: 200 });
      await openWeb(page);
      await page.getByRole('treegrid').focus();
      await page.keyboard.press('ArrowDown');
      await until('the map is drawn', async () => (await page.locator('[data-part="map"] button').count()) > 3);
      // Texts on the map are in a part that is hidden only from screen readers.
      await page.locator('[data-part="map"]').evaluate((map) => map.removeAttribute('aria-hidden'));
      expect(await page.evaluate(lowContrast)).toEqual([]);
      await page.getByRole('tab', { name: 'About the image' }).click();
      expect(await page.evaluate(lowContrast)).toEqual([]);
      const nameless = await page
        .locator('button:visible, input:visible')
        .evaluateAll((controls) =>
          controls
            .filter((control) => !(control.getAttribute('aria-label') ?? control.textContent)?.trim())
            .map((control) => control.outerHTML.slice(0, 120)),
        );
      expect(nameless).toEqual([]);
    },
  );
});

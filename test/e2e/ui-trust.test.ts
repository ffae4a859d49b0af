import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { foreign } from '../fixtures/fake-data.ts';
import { expectVisible } from './browser.ts';
import { lowContrast } from './contrast.ts';
import { type StudioOptions, setUpStudio } from './ui-harness.ts';

const openStudio = setUpStudio();

/** A window that has just opened another person's project. */
async function openForeign(options?: StudioOptions) {
  const studio = await openStudio({ releases: ['0.1.54'], ...options });
  const { page } = studio;
  await page.locator('.monaco-editor .view-line').first().waitFor();
  await page.keyboard.press('Control+o');
  await page.getByRole('dialog').getByRole('textbox').first().fill(foreign.dir);
  await page.keyboard.press('Enter');
  await dialogOf(page).waitFor();
  return studio;
}

const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Trust greet?' });
const bannerOf = (page: Page) => page.getByRole('region', { name: 'Restricted' });
const response = (page: Page) => page.locator('[data-region="response"]');

it('shows what a project from elsewhere asks for when it is first opened, and trusts it once', async () => {
  const { page } = await openForeign();
  const asked = await dialogOf(page)
    .getByRole('list', { name: 'What it asks for' })
    .getByRole('listitem')
    .allTextContents();
  expect(asked).toEqual([
    'FileTakes /home/ada/.ssh/id_ed25519 into its image ("files").',
    'NetworkOpens connections from the guest to any address.',
    'VolumeReads and writes the volume visits of this machine.',
  ]);
  expect(await dialogOf(page).textContent()).toContain(foreign.dir);
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Stay restricted');
  await dialogOf(page).getByRole('button', { name: 'Trust this folder' }).click();
  await dialogOf(page).waitFor({ state: 'detached' });
  expect(await bannerOf(page).count()).toBe(0);
  await page.keyboard.press('Control+Enter');
  await page.getByText('200 OK').waitFor();
});

it('stays restricted at Escape: a run is refused with what leads to the dialog, until it is trusted', async () => {
  const { page } = await openForeign();
  await page.keyboard.press('Escape');
  await dialogOf(page).waitFor({ state: 'detached' });
  expect(await bannerOf(page).textContent()).toContain('greet is restricted. It asks for 3 things outside its folder.');
  await page.keyboard.press('Control+Enter');
  await response(page).getByText('PROJECT_NOT_TRUSTED').waitFor();
  await page.locator('[data-region="status"]').getByText('not built: restricted').waitFor();
  await response(page).getByRole('button', { name: 'See what it asks for' }).click();
  await dialogOf(page).getByRole('button', { name: 'Trust this folder' }).click();
  await dialogOf(page).waitFor({ state: 'detached' });
  await response(page).getByText('PROJECT_NOT_TRUSTED').waitFor({ state: 'detached' });
  expect(await bannerOf(page).count()).toBe(0);
  await page.keyboard.press('Control+Enter');
  await expectVisible(page.getByText('200 OK'));
});

it('takes trust back from the palette', async () => {
  const { page } = await openStudio();
  await page.locator('.monaco-editor .view-line').first().waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('trusted');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'hello is trusted' }).getByRole('button', { name: 'Restrict again' }).click();
  await bannerOf(page).waitFor();
  expect(await bannerOf(page).textContent()).toContain('asks for no more');
  await expectVisible(page.getByRole('list', { name: 'Functions' }).getByText('is restricted'));
});

it.each(['dark', 'light'] as const)('is readable and whole in a small window (%s)', async (colorScheme) => {
  const { page } = await openForeign({ width: 1024, height: 640, colorScheme });
  expect(await page.evaluate(lowContrast)).toEqual([]);
  const box = await dialogOf(page).boundingBox();
  expect((box?.y ?? 0) + (box?.height ?? 999)).toBeLessThanOrEqual(640);
  await page.keyboard.press('Escape');
  const trust = bannerOf(page).getByRole('button', { name: 'Trust…' });
  await trust.waitFor();
  expect((await bannerOf(page).boundingBox())?.height).toBeLessThan(40);
  expect(await page.evaluate(lowContrast)).toEqual([]);
  await trust.click();
  await expectVisible(dialogOf(page));
});

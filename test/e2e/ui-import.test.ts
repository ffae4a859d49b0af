import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectVisible } from './browser.ts';
import { lowContrast } from './contrast.ts';
import { type Studio, type StudioOptions, setUpStudio } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

const open = async (options?: StudioOptions) => {
  studio = await openStudio({ releases: ['0.1.54'], ...options });
  const { page } = studio;
  await page.locator('.monaco-editor .view-line').first().waitFor();
  await page.keyboard.press('Control+Alt+i');
  await dialogOf(page).waitFor();
  return studio;
};
const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Import' });
const look = async (page: Page, source: string) => {
  await dialogOf(page).getByRole('textbox').fill(source);
  await page.keyboard.press('Enter');
};

describe('the import wizard', () => {
  it('goes from a program to an open project with the keyboard alone', async () => {
    const { page, engine } = await open();
    await page.keyboard.type('/home/ada/server');
    await page.keyboard.press('Enter');
    const dialog = dialogOf(page);
    await dialog.getByText('Nothing is missing').waitFor();
    await dialog
      .getByRole('region', { name: 'Libraries' })
      .getByRole('row', { name: /libc.so.6/ })
      .waitFor();
    expect(await dialog.textContent()).toContain('/bin/server --port 8080');
    expect(await dialog.getByLabel('Name').evaluate((input) => input === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Function', exact: true }).getByText('server').waitFor();
    await page.getByRole('button', { name: 'Runtime, nanos' }).waitFor();
    expect(engine.read('server', 'firstlight.json')).toContain('nanos');
  });

  it('names what is missing with what needs it, and warns', async () => {
    const { page } = await open();
    await look(page, '/home/ada/forks-lacking-server');
    const found = dialogOf(page).getByRole('list', { name: 'What was found' });
    await found.getByText('libssl.so.3 was not found').waitFor();
    expect(await found.textContent()).toContain('needed by /bin/forks-lacking-server');
    expect(await found.textContent()).toContain('the guest runs one process');
    await dialogOf(page).getByRole('button', { name: 'Create the project' }).waitFor();
  });

  it('refuses what cannot run, says why, and leads back', async () => {
    const { page } = await open();
    await dialogOf(page)
      .getByRole('radio', { name: /An OCI image/ })
      .check();
    await look(page, 'oci:/home/ada/shell');
    const dialog = dialogOf(page);
    await dialog
      .getByRole('alert')
      .getByText(/The entry point is \/bin\/sh/)
      .waitFor();
    expect(await dialog.getByRole('button', { name: 'Create the project' }).count()).toBe(0);
    await dialog.getByRole('button', { name: 'Another source' }).click();
    expect(await dialog.getByRole('textbox').inputValue()).toBe('oci:/home/ada/shell');
    await dialog.getByRole('radio', { name: /From ops/ }).check();
    await look(page, '/home/ada/unknown/config.json');
    await dialog.getByText('Did you mean "Program"?').waitFor();
    await dialog.getByText('config.json:3:3').waitFor();
  });

  it('says what is wrong with a path, with a source, and with a name', async () => {
    const { page } = await open();
    const dialog = dialogOf(page);
    await dialog.getByRole('textbox').fill('bin/server');
    await dialog.getByText('Give the whole path').waitFor();
    expect(await dialog.getByRole('button', { name: 'Look at it' }).isDisabled()).toBe(true);
    await look(page, '/home/ada/missing');
    await dialog.getByRole('alert').getByText('/home/ada/missing does not exist.').waitFor();
    await look(page, '/home/ada/server');
    await dialog.getByLabel('Name').fill('Not Good');
    expect(await dialog.getByRole('button', { name: 'Create the project' }).isDisabled()).toBe(true);
  });

  it('shows how far it is, and cancels', async () => {
    const { page, engine } = await open();
    engine.faults.examineMs = 60_000;
    const dialog = dialogOf(page);
    await dialog.getByRole('radio', { name: /An OCI image/ }).check();
    await look(page, 'oci:/home/ada/layout');
    await dialog.getByRole('progressbar', { name: 'Fetching layer 1 of 3' }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.getByRole('button', { name: 'Look at it' }).waitFor();
    await look(page, 'oci:/home/ada/layout');
    await expectVisible(dialog.getByRole('progressbar'));
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('is offered where no function is open', async () => {
    studio = await openStudio({ empty: true, releases: ['0.1.54'] });
    const { page } = studio;
    await page.locator('[data-part="work"]').getByRole('button', { name: 'Import', exact: true }).click();
    await look(page, '/home/ada/server');
    await dialogOf(page).getByRole('button', { name: 'Create the project' }).click();
    await expectVisible(page.getByRole('button', { name: 'Function', exact: true }).getByText('server'));
  });

  it.each([
    ['dark', 1280, 800],
    ['light', 1024, 640],
  ] as const)(
    'has no text under 4.5:1, names every control, and keeps its buttons in reach: %s',
    async (colorScheme, width, height) => {
      const { page } = await open({ colorScheme, width, height });
      expect(await page.evaluate(lowContrast)).toEqual([]);
      await look(page, '/home/ada/forks-lacking-server');
      const create = dialogOf(page).getByRole('button', { name: 'Create the project' });
      await create.waitFor();
      await page.getByText('firstlight.json as it will be written').click();
      expect(await page.evaluate(lowContrast)).toEqual([]);
      const box = await create.boundingBox();
      expect((box?.y ?? height) + (box?.height ?? 0)).toBeLessThan(height);
    },
  );
});

import { expect, it } from 'vitest';
import { expectVisible } from './browser.ts';
import { setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();

const open = async () => {
  const studio = await openStudio();
  await studio.page.locator('.monaco-editor .view-line').first().waitFor();
  return studio;
};

it('keeps what is set on the settings page, and applies it at once', async () => {
  const { page, engine } = await open();
  await page.keyboard.press('Control+Alt+S');
  const settings = page.getByRole('main', { name: 'Settings' });
  await settings.getByText('settings.json').waitFor();
  await settings.getByLabel('Text size of the editor').fill('18');
  await settings.getByLabel('Text size of the window').fill('14');
  await settings.getByLabel('Wrap long lines').check();
  const sizeOf = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).fontSize);
  await until('the editor has the size', async () => (await sizeOf('.monaco-editor .view-line')) === '18px');
  expect(await sizeOf('body')).toBe('14px');
  await settings.getByLabel('Text size of the editor').fill('400');
  await settings.getByRole('alert').getByText('9 to 28 px').waitFor();
  await until('it is kept', () => JSON.stringify(engine.settings).includes('"editorFontSize":18'));
  await page.reload();
  await until('it is there again', async () => (await sizeOf('.monaco-editor .view-line')) === '18px');
});

it('finds settings by words, gives a command another key, and shows that key', async () => {
  const { page, engine } = await open();
  await page.keyboard.press('Control+Alt+S');
  await page.getByLabel('Search the settings').fill('format');
  expect(await page.getByLabel('Text size of the window').count()).toBe(0);
  await page.getByLabel('Format on save').waitFor();
  await page.getByLabel('Search the settings').fill('run');
  const key = page.getByRole('button', { name: /^Key of Run: Ctrl\+Enter/ });
  await key.click();
  await page.keyboard.press('Control+k');
  await page.getByRole('alert').getByText('Ctrl+K is the key of “All commands”.').waitFor();
  await page.keyboard.press('Control+Alt+r');
  await page.getByRole('button', { name: /^Key of Run: Ctrl\+Alt\+R/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Run Ctrl\+Alt\+R/ }).waitFor();
  const before = engine.runs().length;
  await page.keyboard.press('Control+Alt+r');
  await until('it ran', () => engine.runs().length === before + 1);
});

it('resets all settings, the theme too', async () => {
  const { page } = await open();
  await page.keyboard.press('Control+Alt+S');
  const settings = page.getByRole('main', { name: 'Settings' });
  await settings.getByLabel('Theme').selectOption('light');
  await settings.getByLabel('Wrap long lines').check();
  await settings.getByRole('button', { name: 'Reset all to defaults' }).click();
  await until('the theme is the default', async () => (await settings.getByLabel('Theme').inputValue()) === 'system');
  expect(await settings.getByLabel('Wrap long lines').isChecked()).toBe(false);
});

it('formats on save, when that is set', async () => {
  const { page, engine } = await open();
  engine.writeOutside('hello', 'handler.ts', 'export default function handler( ) {\nreturn  { a:1 }\n}\n');
  await expectVisible(page.locator('.monaco-editor').getByText('a:1'));
  await page.keyboard.press('Control+Alt+S');
  await page.getByLabel('Format on save').check();
  await page.keyboard.press('Escape');
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+s');
  await until(
    'it is formatted on disk',
    () => engine.read('hello', 'handler.ts')?.includes('  return { a: 1 }') ?? false,
  );
});

it('lists the token services that get a registry’s password, and takes one back', async () => {
  const { page, engine } = await open();
  engine.settings['tokenService registry.example.com'] = 'https://gitlab.example.com';
  await page.keyboard.press('Control+Alt+S');
  const registries = page.getByRole('region', { name: 'Registries' });
  await registries.getByText('firstlight registry allow').waitFor();
  await registries.getByRole('row', { name: 'registry.example.com https://gitlab.example.com' }).waitFor();
  await registries.getByRole('button', { name: /^Take back/ }).click();
  await registries.getByText('No other host gets').waitFor();
  expect(engine.settings['tokenService registry.example.com'] ?? null).toBeNull();
});

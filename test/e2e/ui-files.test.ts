import { expect, it } from 'vitest';
import { expectVisible } from './browser.ts';
import { focusEditor, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();

const open = async () => {
  const studio = await openStudio();
  await studio.page.locator('.monaco-editor .view-line').first().waitFor();
  return studio;
};

it('searches in all files, and shows the place of a match', async () => {
  const { page, engine } = await open();
  engine.writeOutside('hello', 'lib/words.ts', "export const greeting = 'Needle';\n// a needle\n");
  await page.keyboard.press('Control+Shift+F');
  const field = page.getByRole('searchbox', { name: 'Search in all files' });
  await until('the field has the focus', () => field.evaluate((element) => element === document.activeElement));
  await page.keyboard.type('needle');
  await page.getByText('2 matches in 1 file').waitFor();
  await page.getByRole('button', { name: 'Match case' }).click();
  await page.getByText('1 match in 1 file').waitFor();
  await page.getByRole('button', { name: 'lib/words.ts, line 2: // a needle' }).click();
  await page.getByRole('tab', { name: 'lib/words.ts', selected: true }).waitFor();
  await page.locator('[data-region="status"]').getByText('2:6').waitFor();
  await field.fill('nobody wrote this');
  await expectVisible(page.getByText('Nothing has this text.'));
});

it('shows two files side by side, and the same text where both show one', async () => {
  const { page, engine } = await open();
  await page.keyboard.press('Control+\\');
  const second = page.getByRole('region', { name: 'Second editor' });
  await second.locator('.monaco-editor .view-line').first().waitFor();
  await focusEditor(page);
  await page.keyboard.type('\n// in both');
  await second.getByText('// in both').waitFor();
  await page.getByRole('button', { name: 'firstlight.json', exact: true }).click();
  await page.getByRole('tab', { name: 'firstlight.json', selected: true }).waitFor();
  await second.getByText('// in both').waitFor();
  await until('what was typed is kept', () => JSON.stringify(engine.settings).includes('// in both'));
  await page.reload();
  await second.getByText('// in both').waitFor();
  await second.getByRole('button', { name: 'Close the second editor' }).click();
  expect(await second.count()).toBe(0);
});

it('renames a file, and what imports it follows', async () => {
  const { page, engine } = await open();
  engine.writeOutside('hello', 'greet.ts', 'export const greet = (name: string) => name;\n');
  engine.writeOutside(
    'hello',
    'handler.ts',
    "import { greet } from './greet.ts';\nexport default () => greet('Ada');\n",
  );
  const row = page.getByRole('button', { name: 'greet.ts', exact: true });
  await row.waitFor();
  await page.locator('.monaco-editor').getByText('./greet.ts').waitFor();
  await page.getByRole('button', { name: 'Actions of greet.ts' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByLabel('Path in the function’s folder').fill('lib/hello.ts');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByText('Imports in 1 file follow the new name.').waitFor();
  await until('the import is on disk', () => engine.read('hello', 'handler.ts')?.includes("'./lib/hello.ts'") ?? false);
  expect(engine.read('hello', 'greet.ts')).toBeUndefined();
  await page.getByRole('button', { name: 'Actions of handler.ts' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByLabel('Path in the function’s folder').fill('main.ts');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await until('the entry follows', () => /"entry": "main.ts"/.test(engine.read('hello', 'firstlight.json') ?? ''));
});

it('is left by few stops of the Tab key, however many files there are', async () => {
  const { page, engine } = await open();
  for (let n = 0; n < 40; n++) engine.writeOutside('hello', `lib/part-${n}.ts`, 'export {};\n');
  await page.getByText('part-39.ts').waitFor();
  const side = page.locator('[data-region="side"]');
  const isInside = () => side.evaluate((element) => element.contains(document.activeElement));
  await side.getByRole('button', { name: 'New function' }).focus();
  let stops = 0;
  while (await isInside()) {
    stops += 1;
    await page.keyboard.press('Tab');
  }
  expect(stops).toBeLessThanOrEqual(8);
  await side.getByRole('button', { name: 'handler.ts', exact: true }).focus();
  await page.keyboard.press('ArrowRight');
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  expect(await focused()).toBe('Actions of handler.ts');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowDown');
  expect(await page.evaluate(() => document.activeElement?.hasAttribute('data-row'))).toBe(true);
});

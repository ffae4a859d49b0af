import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectVisible } from './browser.ts';
import { focusEditor, type Studio, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

describe('editing', () => {
  it('marks what is not saved, and Ctrl+S saves and builds', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await focusEditor(page);
    await page.keyboard.type('// one more line');
    await page.getByRole('tab', { name: 'handler.ts, not saved' }).waitFor();
    await page.keyboard.press('Control+s');
    await page.getByRole('tab', { name: 'handler.ts', exact: true }).waitFor();
    expect(engine.read('hello', 'handler.ts')).toContain('// one more line');
    await page.getByRole('tab', { name: 'Build' }).click();
    await page.getByText('rebuilt because handler.ts changed').waitFor();
  });

  it('marks the place of a build error, lists it, and leads there', async () => {
    studio = await openStudio();
    const { page } = studio;
    await focusEditor(page);
    await page.keyboard.type('const broken = ;');
    await page.keyboard.press('Control+s');
    const problem = page.getByRole('list', { name: 'Problems' }).getByRole('button', { name: /Unexpected ";"/ });
    await problem.waitFor();
    await page.locator('.monaco-editor .squiggly-error').first().waitFor();
    await page.keyboard.press('Control+Home');
    await problem.click();
    await expectVisible(page.locator('[data-region="status"]').getByText(/^11:16$/));
  });

  it('completes, explains and checks firstlight.json, wherever it says that its schema lies', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    engine.writeOutside(
      'hello',
      'firstlight.json',
      '{\n  "$schema": "./.firstlight/schema.json",\n  "name": 5,\n  \n}\n',
    );
    await page.getByRole('button', { name: 'firstlight.json', exact: true }).click();
    await page.getByRole('tab', { name: 'firstlight.json' }).waitFor();
    await focusEditor(page);
    await page.getByRole('tab', { name: /^Problems/ }).click();
    await page.getByRole('button', { name: /Expected "string"|Incorrect type/ }).waitFor();
    expect(await page.getByRole('button', { name: /Unable to load schema/ }).count()).toBe(0);
    await focusEditor(page);
    await page.keyboard.press('Control+Home');
    for (let line = 0; line < 3; line++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    await page.keyboard.press('Control+Space');
    await page.locator('.suggest-widget').getByText('memoryMiB').first().waitFor();
  });

  it('checks types, completes the handler’s context, and formats', async () => {
    studio = await openStudio();
    const { page } = studio;
    await focusEditor(page);
    await page.keyboard.type(
      'const wrong: number = "text";\nexport function other(context: Context) {\nreturn context.',
    );
    await page.locator('.suggest-widget').getByText('functionName').first().waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.type(';');
    await page.getByRole('tab', { name: /^Problems/ }).click();
    await expectVisible(page.getByRole('button', { name: /not assignable to type 'number'/ }));
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('Alt+Shift+F');
    await until('the return is indented', async () => {
      const lines = await page.locator('.monaco-editor .view-line').allTextContents();
      return lines.some((line) => line.replaceAll('\u00a0', ' ').startsWith('  return context.functionName;'));
    });
  });

  it('draws what the editor opens in the theme, so that it can be read', async () => {
    studio = await openStudio({ colorScheme: 'light' });
    const { page } = studio;
    await focusEditor(page);
    await page.keyboard.type('export function other(context: Context) {\nreturn context.');
    const chosen = page.locator('.suggest-widget .monaco-list-row.focused');
    await chosen.getByText('functionName').first().waitFor();
    expect(await colours(chosen)).toEqual({ ink: await token('--fg'), behind: await token('--bg-selected') });
    await page.keyboard.press('Escape');
    await page.locator('.monaco-editor .view-line').first().click({ button: 'right' });
    const menu = page.locator('.monaco-menu-container .monaco-scrollable-element').first();
    await menu.getByText('Rename Symbol').waitFor();
    expect((await colours(menu)).behind).toBe(await token('--bg-raised'));

    function colours(element: Locator) {
      return element.evaluate((node) => {
        const { color, backgroundColor } = getComputedStyle(node);
        return { ink: color, behind: backgroundColor };
      });
    }
    function token(name: string) {
      return page.evaluate((wanted) => {
        const probe = document.body.appendChild(document.createElement('i'));
        probe.style.color = `var(${wanted})`;
        const { color } = getComputedStyle(probe);
        probe.remove();
        return color;
      }, name);
    }
  });

  it('resolves imports of files that are not open', async () => {
    studio = await openStudio();
    const { page } = studio;
    await page.getByRole('list', { name: 'Functions' }).getByRole('button', { name: 'resize', exact: true }).click();
    await page.getByRole('tab', { name: 'handler.ts' }).waitFor();
    await focusEditor(page);
    await page.keyboard.type('fit(1, 2);');
    await page.getByRole('tab', { name: /^Problems/ }).click();
    await page.getByRole('button', { name: /Expected 3 arguments/ }).waitFor();
    expect(await page.getByRole('list', { name: 'Problems' }).getByRole('button').count()).toBe(1);
  });

  it('builds what another program wrote, so that a run finds an image', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await expectVisible(page.getByText(/^built in/));
    let built = 0;
    engine.listen((name) => {
      if (name === 'builds:finished') built += 1;
    });
    engine.writeOutside('hello', 'handler.ts', 'export default () => "from outside";\n');
    await until('it is built', () => built === 1);
  });

  it('takes over a file that another program changed, when nothing was typed', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await page.locator('.monaco-editor .view-line').first().waitFor();
    engine.writeOutside('hello', 'handler.ts', 'export default () => "from outside";\n');
    await page.locator('.monaco-editor').getByText('from outside').waitFor();
    expect(await page.getByRole('tab', { name: 'handler.ts', exact: true }).count()).toBe(1);
  });

  it('asks when both changed: reload drops what was typed, overwrite keeps it', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await focusEditor(page);
    await page.keyboard.type('// mine');
    engine.writeOutside('hello', 'handler.ts', '// theirs\n');
    const bar = page.getByRole('alert').filter({ hasText: 'changed on disk' });
    await bar.waitFor();
    await page.keyboard.press('Control+s');
    expect(engine.read('hello', 'handler.ts')).toBe('// theirs\n');
    await bar.getByRole('button', { name: 'Overwrite' }).click();
    await bar.waitFor({ state: 'detached' });
    expect(engine.read('hello', 'handler.ts')).toContain('// mine');

    await focusEditor(page);
    await page.keyboard.type('// mine again');
    engine.writeOutside('hello', 'handler.ts', '// theirs again\n');
    await bar.getByRole('button', { name: 'Reload' }).click();
    await page.locator('.monaco-editor').getByText('// theirs again').waitFor();
    expect(await page.locator('.monaco-editor').getByText('// mine again').count()).toBe(0);
  });

  it('keeps the only copy when the file is deleted on disk', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await page.locator('.monaco-editor .view-line').first().waitFor();
    engine.writeOutside('hello', 'handler.ts', null);
    await expectVisible(page.getByText('was deleted on disk'));
    await page.getByRole('button', { name: 'Write it again' }).click();
    await until('it is on disk', () => engine.read('hello', 'handler.ts')?.includes('handler') === true);
  });

  it('makes a function from a template, and says why a name is refused', async () => {
    studio = await openStudio();
    const { page } = studio;
    await page.getByRole('button', { name: 'New function' }).click();
    const dialog = page.getByRole('dialog', { name: 'New function' });
    const name = dialog.getByRole('textbox', { name: /^Name/ });
    await name.fill('Not Good');
    expect(await dialog.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true);
    await name.fill('resize');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('holds files already').waitFor();
    await name.fill('fresh');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('button', { name: 'Function', exact: true }).textContent()).toContain('fresh');
    await page.getByText('Nothing has run yet').waitFor();
  });

  it('makes, renames and deletes files, and asks before it drops changes', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    const command = async (words: string) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Command' }).fill(words);
      await page.keyboard.press('Enter');
    };
    await page.locator('.monaco-editor .view-line').first().waitFor();
    await command('New file');
    await page.getByLabel('Path in the function’s folder').fill('../escape.ts');
    expect(await page.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true);
    await page.getByLabel('Path in the function’s folder').fill('lib/greet.ts');
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: 'lib/greet.ts' }).waitFor();
    expect(engine.read('hello', 'lib/greet.ts')).toBe('');
    await page.locator('.monaco-editor .view-lines').click();
    await page.keyboard.type('x');
    await page.keyboard.press('Alt+w');
    const confirm = page.getByRole('dialog', { name: /without saving/ });
    await confirm.getByRole('button', { name: 'Keep' }).click();
    expect(await page.getByRole('tab', { name: 'lib/greet.ts, not saved' }).count()).toBe(1);
    await page.keyboard.press('Alt+w');
    await confirm.getByRole('button', { name: 'Close without saving' }).click();
    expect(await page.getByRole('tab', { name: /greet/ }).count()).toBe(0);
  });
});

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { expectVisible } from './browser.ts';
import { lowContrast } from './contrast.ts';
import { type Studio, setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
let studio: Studio;

const regionOfFocus = (page: Page) =>
  page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region ?? null);

describe('the keyboard alone', () => {
  it('reaches every panel with F6, and comes back with Shift+F6', async () => {
    studio = await openStudio();
    const { page } = studio;
    await page.locator('.monaco-editor .view-line').first().waitFor();
    const seen: (string | null)[] = [];
    for (let step = 0; step < 9; step++) {
      await page.keyboard.press('F6');
      seen.push(await regionOfFocus(page));
    }
    expect(seen).toEqual(['run', 'areas', 'side', 'editor', 'event', 'response', 'timeline', 'dock', 'status']);
    await page.keyboard.press('Shift+F6');
    expect(await regionOfFocus(page)).toBe('dock');
  });

  it('goes the main path: edit, save, event, run, console, without the mouse', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await page.locator('.monaco-editor .view-line').first().waitFor();
    const before = engine.runs().length;
    await page.keyboard.press('Control+k');
    await page.keyboard.type('edit the code');
    await page.keyboard.press('Enter');
    await until('the editor has the focus', async () => (await regionOfFocus(page)) === 'editor');
    await page.keyboard.press('Control+End');
    await page.keyboard.type('// typed');
    await page.keyboard.press('Control+s');
    await until('it is saved', () => engine.read('hello', 'handler.ts')?.includes('// typed') === true);
    await page.keyboard.press('Control+e');
    await until('the event has the focus', async () => (await regionOfFocus(page)) === 'event');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('{"name":"Keys"}');
    await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
    await page.keyboard.press('Control+Enter');
    await until('it ran', () => engine.runs().length === before + 1);
    expect(engine.runs()[0]?.event).toEqual({ name: 'Keys' });
    // The window shows it only now, with its console in the dock: the focus would be lost with the old content.
    await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
    await page.keyboard.press('Control+`');
    await until('the console has the focus', async () => (await regionOfFocus(page)) === 'dock');
  });

  it('opens the areas with Ctrl+1 to Ctrl+5', async () => {
    studio = await openStudio();
    const { page } = studio;
    for (const [key, title] of [
      ['2', 'Instances'],
      ['3', 'Builds'],
      ['4', 'Runs'],
      ['5', 'Environment'],
      ['1', 'Functions'],
    ] as const) {
      await page.keyboard.press(`Control+${key}`);
      await expectVisible(page.getByRole('complementary', { name: 'Side list' }).getByRole('heading', { name: title }));
    }
  });

  it('has everything in the palette, finds by letters, and Esc closes it', async () => {
    studio = await openStudio();
    const { page } = studio;
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('dialog', { name: 'Commands' });
    await palette.waitFor();
    await page.keyboard.type('swi res');
    expect(await palette.getByRole('option').first().textContent()).toContain('Switch to resize');
    await page.keyboard.press('Enter');
    await until(
      'the function changed',
      async () => (await page.getByRole('button', { name: 'Function', exact: true }).textContent()) === 'resize',
    );
    await page.keyboard.press('Control+k');
    await palette.waitFor();
    await page.keyboard.press('Escape');
    await palette.waitFor({ state: 'detached' });
  });
});

describe('the window', () => {
  it('follows the system’s theme, keeps a person’s choice, and says it to the engine', async () => {
    studio = await openStudio({ colorScheme: 'light' });
    const { page, engine } = studio;
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    expect(await theme()).toBe('light');
    await page.getByRole('button', { name: 'Use the dark theme' }).click();
    await until('it is dark', async () => (await theme()) === 'dark');
    await until('it is kept', () => JSON.stringify(engine.settings).includes('"theme":"dark"'));
    await page.reload();
    await page.getByText('200 OK').waitFor();
    expect(await theme()).toBe('dark');
  });

  it('remembers panel sizes, and a double click collapses and restores', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    const side = page.getByRole('complementary', { name: 'Side list' });
    await side.waitFor();
    const handle = page.getByRole('separator', { name: 'Width of the side list' });
    const box = await handle.boundingBox();
    if (box === null) throw new Error('The handle has no box.');
    await page.mouse.move(box.x, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + 60, box.y + 100, { steps: 4 });
    await page.mouse.up();
    const widened = (await side.boundingBox())?.width ?? 0;
    expect(Math.round(widened)).toBe(214 + 60);
    await until('it is kept', () => JSON.stringify(engine.settings).includes('columns'));
    await page.reload();
    await page.getByText('200 OK').waitFor();
    expect(Math.abs(((await side.boundingBox())?.width ?? 0) - widened)).toBeLessThan(2);
    await handle.dblclick();
    await until('it is collapsed', async () => ((await side.boundingBox())?.width ?? 0) < 2);
    await page.keyboard.press('Control+b');
    await until('it is back', async () => ((await side.boundingBox())?.width ?? 0) > 200);
  });

  it('says that the engine is gone, keeps what was typed, and connects again by itself', async () => {
    studio = await openStudio();
    const { page, engine } = studio;
    await page.getByText('200 OK').waitFor();
    // All resources that the page loads after it is shown have arrived.
    await page.locator('.monaco-editor .view-line').first().waitFor();
    await page.waitForLoadState('networkidle');
    await page.getByLabel('Event, as JSON').fill('{ "name": "Kept" }');
    await studio.stopHost();
    await page.getByRole('alert').getByText('The engine cannot be reached.').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByText('There is no connection to the Firstlight engine.').first().waitFor();
    engine.writeOutside('hello', 'handler.ts', '// changed meanwhile\n');
    await studio.restartHost();
    await page.getByRole('alert').getByText('The engine cannot be reached.').waitFor({ state: 'detached' });
    await page.locator('.monaco-editor').getByText('// changed meanwhile').waitFor();
    await page.keyboard.press('Control+Enter');
    await expectVisible(page.locator('[data-part="body"]', { hasText: '"Kept"' }));
  });

  it('has a designed empty state, and one for lists that cannot be read', async () => {
    studio = await openStudio({ empty: true });
    await studio.page.getByText('No function is open').waitFor();
    await studio.page.getByRole('button', { name: 'Open folder' }).click();
    const dialog = studio.page.getByRole('dialog', { name: 'Open folder' });
    await dialog.getByRole('textbox').fill('/nowhere');
    await dialog.getByRole('button', { name: 'Open' }).click();
    await dialog.getByText('There is no directory /nowhere.').waitFor();
    expect(studio.complaints).toEqual([]);
    await studio.close();
    studio = await openStudio({
      prepare: (engine) => {
        engine.faults.listError = new FirstlightError('STORE_UNUSABLE', 'The store cannot be read.', {
          hint: 'Check its folder.',
        });
      },
    });
    await studio.page.getByText('The store cannot be read.').first().waitFor();
    studio.engine.faults.listError = null;
    await studio.page.getByRole('button', { name: 'Try again' }).first().click();
    await studio.page.getByText('200 OK').waitFor();
  });

  it.each([
    [1280, 800],
    [1024, 640],
    [1920, 1080],
  ])('holds the main path on one screen at %d × %d', async (width, height) => {
    studio = await openStudio({ width, height });
    const { page } = studio;
    await page.getByText('200 OK').waitFor();
    await page.locator('.monaco-editor .view-line').first().waitFor();
    for (const part of [
      '[data-part="run"]',
      '#editor-body',
      '[data-region="event"] textarea',
      '[data-part="body"]',
      '[role="listbox"]',
      '[aria-label="Cold start timeline"]',
      '[aria-label^="Console of"]',
      '[data-region="status"]',
    ]) {
      const box = await page.locator(part).first().boundingBox();
      expect(box?.height, part).toBeGreaterThan(15);
      expect((box?.y ?? 0) + (box?.height ?? 0), part).toBeLessThanOrEqual(height + 1);
      expect((box?.x ?? 0) + (box?.width ?? 0), part).toBeLessThanOrEqual(width + 1);
    }
    expect(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight)).toBe(true);
  });

  it.each(['dark', 'light'] as const)(
    'has no text under 4.5:1 in the %s theme, and names every control',
    async (colorScheme) => {
      studio = await openStudio({ colorScheme });
      const { page } = studio;
      await page.getByText('200 OK').waitFor();
      await page.locator('.monaco-editor .view-line').first().waitFor();
      expect(await page.evaluate(lowContrast)).toEqual([]);
      const nameless = await page.locator('button, [role="tab"], input, textarea').evaluateAll((controls) =>
        controls
          .filter((control) => !control.closest('.monaco-editor, .xterm'))
          .filter((control) => !(control.getAttribute('aria-label') ?? control.textContent)?.trim())
          .map((control) => control.outerHTML.slice(0, 120)),
      );
      expect(nameless).toEqual([]);
    },
  );
});

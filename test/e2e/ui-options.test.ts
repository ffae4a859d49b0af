import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectVisible } from './browser.ts';
import { lowContrast } from './contrast.ts';
import { type Studio, type StudioOptions, setUpStudio, until } from './ui-harness.ts';

const config = `{
  // Answers with the name.
  "name": "hello",
  "runtime": "nanos",
  "port": 3000,
  "nanos": { "klibs": ["ntp"] }
}
`;

const openStudio = setUpStudio();
let studio: Studio;

const open = async (options?: StudioOptions) => {
  studio = await openStudio({ releases: ['0.1.54'], ...options });
  const { page, engine } = studio;
  await page.locator('.monaco-editor .view-line').first().waitFor();
  engine.writeOutside('hello', 'firstlight.json', config);
  await page.keyboard.press('Control+,');
  await page.getByRole('heading', { name: 'Options of hello' }).waitFor();
  await option(page, 'name').waitFor();
  return studio;
};
const option = (page: Page, path: string): Locator => page.locator(`[data-option="${path}"]`);
const saved = () => studio.engine.read('hello', 'firstlight.json') ?? '';
const save = async (page: Page) => {
  await page.keyboard.press('Control+s');
  await page.getByText('not saved').waitFor({ state: 'detached' });
};

describe('the options form', () => {
  it('shows what is set, the words of each option, and its default', async () => {
    const { page } = await open();
    expect(await option(page, 'port').getByRole('textbox').inputValue()).toBe('3000');
    expect(await option(page, 'port').textContent()).toContain('Where the program serves HTTP.');
    const vcpus = option(page, 'vcpus').getByRole('textbox');
    expect(await vcpus.inputValue()).toBe('');
    expect(await vcpus.getAttribute('placeholder')).toBe('1');
    expect(await option(page, 'nanos.boot').getByRole('combobox').textContent()).toMatch(/^[a-z]+ \(default\)/);
  });

  it('edits the open text: comments stay, Ctrl+S saves and builds, and the editor can undo it', async () => {
    const { page } = await open();
    await option(page, 'nanos.debug.strace').getByRole('switch').click();
    await page.getByText('not saved').waitFor();
    await option(page, 'nanos.options.noaslr').getByRole('switch').click();
    await save(page);
    expect(saved()).toContain('// Answers with the name.');
    expect(saved()).toContain('"strace": true');
    expect(saved()).toContain('"noaslr": true');
    await page.getByRole('button', { name: 'Edit as text' }).click();
    await page.getByRole('tab', { name: 'firstlight.json' }).waitFor();
    await page.locator('.monaco-editor').getByText('noaslr').waitFor();
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('Control+z');
    await until('the last change is undone', async () => {
      const text = (await page.locator('.monaco-editor .view-lines').textContent()) ?? '';
      return !text.includes('noaslr') && text.includes('strace');
    });
  });

  it('goes back to a default, and takes empty sections out with it', async () => {
    const { page } = await open();
    await option(page, 'port').getByRole('button', { name: 'port: back to the default, 8080' }).click();
    expect(await option(page, 'port').getByRole('textbox').inputValue()).toBe('');
    await option(page, 'nanos.klibs').getByRole('button', { name: 'Remove ntp' }).click();
    await save(page);
    expect(saved()).not.toContain('"nanos": {');
    expect(saved()).toContain('"runtime": "nanos"');
  });

  it('marks what the schema refuses in its own words, and does not write it', async () => {
    const { page } = await open();
    const vcpus = option(page, 'vcpus');
    await vcpus.getByRole('textbox').fill('65');
    await vcpus.getByRole('alert').getByText('At most 64').waitFor();
    expect(await vcpus.getByRole('textbox').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByText('not saved').count()).toBe(0);
    await vcpus.getByRole('textbox').fill('4');
    await vcpus.getByRole('alert').waitFor({ state: 'detached' });
    await save(page);
    expect(saved()).toContain('"vcpus": 4');
  });

  it('marks what is wrong in the file already, and leads to the text for what is not an option', async () => {
    const { page, engine } = await open();
    engine.writeOutside(
      'hello',
      'firstlight.json',
      config
        .replace('"port": 3000', '"port": 0')
        .replace('"klibs"', '"prt": 1, "options": { "log_level": "loud" }, "klibs"'),
    );
    await option(page, 'port').getByRole('alert').getByText('At least 1').waitFor();
    await option(page, 'nanos.options.log_level').getByRole('alert').getByText('"err", "warn" or "info"').waitFor();
    await page.getByRole('alert').getByText('nanos.prt').waitFor();
    engine.writeOutside('hello', 'firstlight.json', '{ "name": ');
    await page.getByText('is not JSON as it stands').waitFor();
    await page.getByRole('button', { name: 'Edit as text' }).last().click();
    await expectVisible(page.getByRole('tab', { name: 'firstlight.json' }));
  });

  it('moves the keys of an older file to their present places', async () => {
    const { page, engine } = await open();
    const old = config.replace('  "port": 3000,\n', '').replace('{ "klibs"', '{ "port": 3000, "klibs"');
    engine.writeOutside('hello', 'firstlight.json', old);
    await page.getByRole('status').getByText('nanos.port').waitFor();
    await page.getByRole('button', { name: 'Move to the top level' }).click();
    await page.getByRole('button', { name: 'Move to the top level' }).waitFor({ state: 'detached' });
    expect(await option(page, 'port').getByRole('textbox').inputValue()).toBe('3000');
    await save(page);
    expect(saved()).toBe(config);
  });

  it('makes volumes, ports, files and arguments', async () => {
    const { page } = await open();
    const name = page.getByLabel('Name of a further entry of volumes');
    await name.fill('Not good');
    await page.getByText('Lower-case letters, digits and dashes', { exact: true }).waitFor();
    await name.fill('data');
    await name.press('Enter');
    await option(page, 'volumes.data.mount').getByRole('textbox').fill('/data');
    await option(page, 'volumes.data.sizeMiB').getByRole('textbox').fill('128');
    await page.getByRole('button', { name: 'Add one of ports' }).click();
    await option(page, 'ports.0.guest').getByRole('textbox').fill('9229');
    const file = page.getByLabel('Name of a further entry of files');
    await file.fill('/etc/app.conf');
    await file.press('Enter');
    await page.getByLabel('files /etc/app.conf').fill('app.conf');
    const args = page.getByLabel('Add to args');
    await args.fill('--greeting=hello you');
    await args.press('Enter');
    await args.fill('two');
    await args.press('Enter');
    await page.getByRole('button', { name: '+ tls' }).click();
    await save(page);
    expect(JSON.parse(saved().replace(/^\s*\/\/.*$/m, ''))).toEqual({
      name: 'hello',
      runtime: 'nanos',
      port: 3000,
      nanos: { klibs: ['ntp', 'tls'] },
      volumes: { data: { mount: '/data', sizeMiB: 128 } },
      ports: [{ guest: 9229 }],
      files: { '/etc/app.conf': 'app.conf' },
      args: ['--greeting=hello you', 'two'],
    });
    await page.getByRole('button', { name: 'Take out data' }).click();
    await page.getByRole('button', { name: 'Take out ports 1' }).click();
    await save(page);
    expect(saved()).not.toContain('volumes');
    expect(saved()).not.toContain('9229');
  });

  it('asks only for what a kind of network needs', async () => {
    const { page } = await open();
    const network = option(page, 'nanos.network').getByRole('combobox');
    expect(await option(page, 'nanos.network.name').count()).toBe(0);
    await network.selectOption('bridge');
    const bridge = option(page, 'nanos.network.name');
    await bridge.getByRole('alert').waitFor();
    await bridge.getByRole('textbox').fill('br0');
    await bridge.getByRole('alert').waitFor({ state: 'detached' });
    await network.selectOption('user');
    await save(page);
    expect(saved()).not.toContain('network');
  });

  it('finds an option by its words with the keyboard, and shows only what is set', async () => {
    const { page } = await open();
    const search = page.getByRole('searchbox', { name: 'Search the options' });
    await page.keyboard.press('F6');
    await page.keyboard.press('F6');
    await page.keyboard.press('F6');
    await page.keyboard.press('F6');
    expect(await search.evaluate((input) => input === document.activeElement)).toBe(true);
    await page
      .getByRole('navigation', { name: 'Sections' })
      .getByRole('button', { name: /^Diagnostics/ })
      .click();
    await search.focus();
    await page.keyboard.type('2 MiB');
    await option(page, 'nanos.options.transparent_hugepage').waitFor();
    expect(await page.locator('[data-option]').count()).toBe(1);
    expect(await page.locator('[data-part="options"]').evaluate((list) => list.scrollTop)).toBe(0);
    await page.keyboard.press('Escape');
    await option(page, 'vcpus').waitFor();
    await page.getByLabel('Only what is set').check();
    expect(
      await page.locator('[data-option]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-option'))),
    ).toEqual(['name', 'runtime', 'port', 'nanos.klibs']);
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Options of hello' }).waitFor({ state: 'detached' });
  });

  it('leads to each section, and marks the one that is read', async () => {
    const { page } = await open();
    const link = page.getByRole('navigation', { name: 'Sections' }).getByRole('button', { name: /^Root tuple/ });
    await link.click();
    await until('it is marked', async () => (await link.getAttribute('aria-current')) === 'true');
    const box = await page.getByRole('heading', { name: 'Root tuple' }).boundingBox();
    expect(box?.y).toBeLessThan(200);
    expect((await page.locator('[data-region="run"]').boundingBox())?.y).toBe(0);
  });

  it.each([
    ['dark', 1280, 800],
    ['light', 1024, 640],
  ] as const)('has no text under 4.5:1, and names every control: %s', async (colorScheme, width, height) => {
    const { page } = await open({ colorScheme, width, height });
    await option(page, 'nanos.debug.trace').getByRole('switch').click();
    await option(page, 'vcpus').getByRole('textbox').fill('x');
    expect(await page.evaluate(lowContrast)).toEqual([]);
    const nameless = await page
      .locator('button:visible, input:visible, select:visible')
      .evaluateAll((controls) =>
        controls
          .filter(
            (control) =>
              !(
                control.getAttribute('aria-label') ??
                control.closest('label')?.textContent ??
                control.textContent
              )?.trim(),
          )
          .map((control) => control.outerHTML.slice(0, 120)),
      );
    expect(nameless).toEqual([]);
    const list = await page.locator('[data-part="options"]').boundingBox();
    expect((list?.x ?? 0) + (list?.width ?? 0)).toBeLessThanOrEqual(width);
    const wide = await page
      .locator('[data-part="options"]')
      .evaluate((element) => element.scrollWidth > element.clientWidth);
    expect(wide).toBe(false);
  });
});

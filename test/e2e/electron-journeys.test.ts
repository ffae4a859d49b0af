import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core-electron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome } from '../integration/studio.ts';
import { expectVisible } from './browser.ts';
import {
  answerPicker,
  callFromPage,
  type Display,
  launchShell,
  openDisplay,
  openedWindow,
  root,
  startSecond,
  whyNoElectron,
} from './real-electron.ts';
import { leftovers, until, whyNot } from './real-studio.ts';

const reason = whyNoElectron() ?? whyNot();
let home: string;
let display: Display;
let shell: ElectronApplication;
let page: Page;
const complaints: string[] = [];

async function launch(): Promise<void> {
  shell = await launchShell({ display, home });
  page = await openedWindow(shell);
  page.on('pageerror', (error) => complaints.push(error.message));
}

/** One desktop program and one window for all tests, as for a person: each test continues after the one before. */
describe.skipIf(reason !== null)(`the desktop program${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    home = makeHome();
    display = await openDisplay();
    await launch();
  }, 120_000);

  afterAll(async () => {
    await shell?.close();
    await display?.close();
    if (home !== undefined) removeHome(home);
  });

  it('runs the sample at its first start, and shows its answer and its timeline', async () => {
    await page.getByText('200 OK').waitFor();
    expect(await body().textContent()).toContain('"hello": "Ada"');
    const timeline = await page.getByRole('region', { name: 'Cold start timeline' }).textContent();
    for (const phase of ['firmware', 'kernel', 'runtime', 'function']) expect(timeline).toContain(phase);
  }, 90_000);

  it('goes from an edit to a changed answer with Ctrl+Enter, and shows what was printed', async () => {
    await replaceSource("export default () => (console.log('printed on the desktop'), { typed: 'on the desktop' });");
    await page.keyboard.press('Control+Enter');
    await body().getByText('on the desktop').waitFor();
    await page
      .getByRole('tab', { name: /^Console/ })
      .last()
      .click();
    await expectVisible(page.locator('.xterm-rows', { hasText: 'printed on the desktop' }));
  }, 90_000);

  it('has a menu whose items run the commands of the page, and show their keys', async () => {
    await clickMenu('View', 'Command Palette…');
    const palette = page.getByRole('dialog', { name: 'Commands' });
    await palette.waitFor();
    await page.keyboard.press('Escape');
    await palette.waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await palette.waitFor();
    await page.keyboard.press('Escape');
    const before = await runsOf('hello');
    await clickMenu('Run', 'Run');
    await until('it has run', async () => (await runsOf('hello')) === before + 1);
    await page.keyboard.press('Control+Alt+S');
    await page.getByRole('button', { name: /^Key of Run: Ctrl\+Enter/ }).click();
    await page.keyboard.press('Control+Alt+r');
    await page.getByRole('button', { name: /^Key of Run: Ctrl\+Alt\+R/ }).waitFor();
    const keyOfRun = () =>
      shell.evaluate(({ Menu }) => {
        const run = Menu.getApplicationMenu()?.items.find(({ label }) => label === 'Run');
        return run?.submenu?.items[0]?.accelerator;
      });
    await until('the menu shows the key', async () => (await keyOfRun()) === 'Ctrl+Alt+R');
    await clickMenu('Run', 'Run');
    await until('it has run again', async () => (await runsOf('hello')) === before + 2);
    // The run closed the settings.
    await page.keyboard.press('Control+Alt+S');
    await page.getByRole('button', { name: 'Reset all to defaults' }).click();
    await until('the menu shows the usual key', async () => (await keyOfRun()) === 'Ctrl+Enter');
    await page.keyboard.press('Escape');
    const titles = await shell.evaluate(({ Menu }) => Menu.getApplicationMenu()?.items.map(({ label }) => label));
    expect(titles).toEqual(['File', 'Edit', 'Run', 'View', 'Window']);
  }, 90_000);

  it('opens a folder only once a person picked it in the dialog', async () => {
    const dir = makeProject('greet');
    expect(await callFromPage(page, 'projects:open', { dir })).toBe('PATH_ESCAPES');
    expect(await callFromPage(page, 'projects:open', { dir: '/' })).toBe('PATH_ESCAPES');
    await answerPicker(shell, dir);
    await clickMenu('File', 'Open Folder…');
    const dialog = page.getByRole('dialog').filter({ hasText: /folder/i });
    await dialog.getByRole('button', { name: 'Browse' }).click();
    await until('the path is there', async () => (await dialog.getByRole('textbox').first().inputValue()) === dir);
    await dialog.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('button', { name: 'Function', exact: true }).getByText('greet').waitFor();
    expect(await callFromPage(page, 'projects:open', { dir: join(home, 'elsewhere') })).toBe('PATH_ESCAPES');
  }, 60_000);

  it('imports a program that a person picked, and no other', async () => {
    expect(await callFromPage(page, 'imports:examine', { source: '/usr/bin/env' })).toBe('PATH_ESCAPES');
    await answerPicker(shell, '/bin/true');
    await page.keyboard.press('Control+Alt+i');
    const dialog = page.getByRole('dialog', { name: 'Import' });
    await dialog.getByRole('button', { name: 'Browse' }).click();
    await until('the path is there', async () => (await dialog.getByRole('textbox').inputValue()) === '/bin/true');
    await dialog.getByRole('button', { name: 'Look at it' }).click();
    await dialog
      .getByRole('region', { name: 'Libraries' })
      .getByRole('row', { name: /libc.so.6/ })
      .waitFor();
    await dialog.getByLabel('Name').fill('nothing');
    await dialog.getByRole('button', { name: 'Create the project' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Function', exact: true }).getByText('nothing').waitFor();
  }, 60_000);

  it('is one program: a second start ends, hands over its folder, and the window comes to the front', async () => {
    const dir = makeProject('second');
    expect(await startSecond({ display, home, args: [dir] })).toBe(0);
    await until('its folder is open', async () => {
      const projects = (await callFromPage(page, 'projects:list', {})) as { dir: string }[];
      return projects.some((project) => project.dir === dir);
    });
    expect(shell.windows()).toHaveLength(1);
  }, 60_000);

  it('ends whole while a build and an instance run, and leaves nothing', async () => {
    await page.getByRole('button', { name: 'Function', exact: true }).click();
    await page.getByRole('menuitemradio', { name: /^hello/ }).click();
    await replaceSource("export default () => { console.log('under way'); for (;;); };");
    await page.keyboard.press('Control+Enter');
    await page.locator('.xterm-rows', { hasText: 'under way' }).waitFor();
    const building = callFromPage(page, 'builds:prestart', { projectId: await projectIdOf('second') });
    building.catch(() => undefined);
    const mine = await domainsOf();
    expect(mine.length).toBeGreaterThan(0);
    await shell.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.setBounds({ x: 60, y: 50, width: 1100, height: 700 }),
    );
    const child = shell.process();
    await shell.close();
    await until('the process has ended', () => child.exitCode !== null || child.signalCode !== null);
    expect(child.exitCode).toBe(0);
    await until('libvirt has none of its domains', () => {
      const names = execFileSync('virsh', ['list', '--all', '--name'], { encoding: 'utf8' }).split('\n');
      return !mine.some((name) => names.includes(name));
    });
    expect(leftovers(join(home, 'run'))).toEqual([]);
    expect(complaints).toEqual([]);
  }, 90_000);

  it('opens again where its window was, with what was open, and runs nothing unasked', async () => {
    expect(existsSync(join(home, 'data/desktop/window.json'))).toBe(true);
    const before = readdirSync(join(home, 'data/runs')).length;
    await launch();
    const bounds = await shell.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
    expect(bounds).toEqual({ x: 60, y: 50, width: 1100, height: 700 });
    const projects = (await callFromPage(page, 'projects:list', {})) as { name: string }[];
    expect(projects.map(({ name }) => name)).toEqual(expect.arrayContaining(['hello', 'nothing']));
    expect(readdirSync(join(home, 'data/runs')).length).toBe(before);
    // A choice from an earlier session is still a person's choice.
    expect(await callFromPage(page, 'projects:open', { dir: join(home, 'elsewhere/greet') })).toMatchObject({
      dir: join(home, 'elsewhere/greet'),
    });
  }, 90_000);
});

/** A project made without Firstlight. */
function makeProject(name: string): string {
  const dir = join(home, 'elsewhere', name);
  cpSync(join(root, 'assets/templates/hello'), dir, { recursive: true });
  writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ name }));
  return dir;
}

const body = () => page.locator('[data-part="body"]');

async function replaceSource(text: string): Promise<void> {
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
}

/** Chooses an item of the application's menu, like the mouse. */
async function clickMenu(menu: string, label: string): Promise<void> {
  const isThere = await shell.evaluate(
    ({ Menu, BrowserWindow }, wanted) => {
      const found = Menu.getApplicationMenu()
        ?.items.find((item) => item.label === wanted.menu)
        ?.submenu?.items.find((item) => item.label === wanted.label);
      const window = BrowserWindow.getAllWindows()[0];
      window?.focus();
      window?.webContents.focus();
      found?.click(undefined, window, window?.webContents);
      return found !== undefined;
    },
    { menu, label },
  );
  expect(isThere).toBe(true);
}

async function projectIdOf(name: string): Promise<string> {
  const projects = (await callFromPage(page, 'projects:list', {})) as { id: string; dir: string }[];
  return projects.find(({ dir }) => dir.endsWith(`/${name}`))?.id ?? '';
}

async function runsOf(functionName: string): Promise<number> {
  const runs = (await callFromPage(page, 'runs:list', {})) as { functionName: string; outcome: string }[];
  return runs.filter((run) => run.functionName === functionName && run.outcome !== 'running').length;
}

async function domainsOf(): Promise<string[]> {
  const instances = (await callFromPage(page, 'instances:list', {})) as { domain: string; state: string }[];
  return instances.filter(({ state }) => state !== 'stopped' && state !== 'failed').map(({ domain }) => domain);
}

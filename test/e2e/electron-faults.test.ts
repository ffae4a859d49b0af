import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core-electron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome } from '../integration/studio.ts';
import {
  callFromPage,
  type Display,
  launchShell,
  openDisplay,
  openedWindow,
  quitShell,
  runAlone,
  whyNoElectron,
} from './real-electron.ts';
import { until, whyNot } from './real-studio.ts';

const reason = whyNoElectron() ?? whyNot();
let home: string;
let display: Display;
let shell: ElectronApplication;
let page: Page;

describe.skipIf(reason !== null)(
  `faults in the desktop program${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      home = makeHome();
      display = await openDisplay();
      shell = await launchShell({ display, home });
      page = await openedWindow(shell);
    }, 120_000);

    afterAll(async () => {
      // Playwright's own way waits for the pages that crashed.
      if (shell !== undefined) await quitShell(shell);
      await display?.close();
      if (home !== undefined) removeHome(home);
    });

    it('a call that no port can carry is an error of that call, and the session goes on', async () => {
      const codes = await page.evaluate(async () => {
        const bridge = Reflect.get(window, 'firstlight');
        const codeOf = async (name: unknown, input: unknown) => {
          const outcome = await bridge.call(name, input, () => undefined).outcome;
          return outcome.ok ? 'ok' : outcome.error.code;
        };
        return [
          await codeOf(5, {}),
          await codeOf('x'.repeat(200), {}),
          await codeOf('app:info', { held: () => undefined }),
          await codeOf('no:such', {}),
          await codeOf('projects:open', { dir: 7 }),
          (await bridge.openStream(null, {}, () => undefined).ended).code,
        ];
      });
      expect(codes).toEqual(['BAD_INPUT', 'BAD_INPUT', 'BAD_INPUT', 'BAD_INPUT', 'BAD_INPUT', 'BAD_INPUT']);
      expect(await callFromPage(page, 'app:info', {})).toMatchObject({ version: expect.any(String) });
    });

    it('a page whose process is killed comes back, and its dump stays on this machine', async () => {
      const before = await pageProcess();
      process.kill(before, 'SIGSEGV');
      await until('another process shows the page', async () => ![0, before].includes(await pageProcess()));
      await until('it is whole', isWhole);
      expect(dumps().length).toBeGreaterThan(0);
      expect(await shell.evaluate(({ crashReporter }) => crashReporter.getUploadToServer())).toBe(false);
    }, 90_000);

    // Chromium ignores a hung page while a debugger such as Playwright is attached: this program runs without it.
    it('a page that hangs is loaded again when the person says so', async () => {
      const driver = join(home, 'hang.cjs');
      writeFileSync(driver, hangTheFirstPage);
      expect(await runAlone({ display, home: join(home, 'hung'), preloads: [driver] })).toEqual([
        'asked: The window does not answer. Wait | Load the window again',
        'loaded again by another process: true',
      ]);
    }, 120_000);

    it('a quit ends the program also where Electron loops in its own teardown', async () => {
      const driver = join(home, 'loop.cjs');
      writeFileSync(driver, loopAfterExit);
      expect(await runAlone({ display, home: join(home, 'looping'), preloads: [driver] })).toEqual(['loops']);
    }, 120_000);
  },
);

/** Quits the program once it has a page, and then holds its main thread for ever, after all code of ours. */
const loopAfterExit = `const { app } = require('electron');
app.once('quit', () => {
  require('node:fs').writeSync(1, 'driver: loops\\n');
  for (;;);
});
app.once('browser-window-created', (_, { webContents }) => webContents.once('did-finish-load', () => app.quit()));
`;

/** Hangs the first page, presses keys in it, since Chromium detects a hang by unanswered input, and answers yes. */
const hangTheFirstPage = `const { app, dialog } = require('electron');
const say = (line) => process.stdout.write('driver: ' + line + '\\n');
dialog.showMessageBox = async (window, { message, buttons }) => {
  say('asked: ' + message + ' ' + buttons.join(' | '));
  return { response: 1 };
};
app.on('browser-window-created', (_, { webContents }) => {
  webContents.once('did-finish-load', () => {
    const first = webContents.getOSProcessId();
    webContents.executeJavaScript('for (;;);').catch(() => undefined);
    const press = setInterval(() => webContents.sendInputEvent({ type: 'keyDown', keyCode: 'A' }), 200);
    webContents.once('did-finish-load', () => {
      clearInterval(press);
      say('loaded again by another process: ' + (webContents.getOSProcessId() !== first));
      app.quit();
    });
  });
});
`;

const pageProcess = () =>
  shell.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0);

/** Asks the program, because Playwright drops a crashed page. */
const isWhole = () =>
  shell.evaluate(({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents;
    if (contents === undefined || contents.isLoading()) return false;
    return contents.executeJavaScript(
      "document.querySelector('.monaco-editor .view-line') !== null",
    ) as Promise<boolean>;
  });

function dumps(): string[] {
  const dir = join(home, 'data/desktop/crashes');
  return existsSync(dir)
    ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.dmp'))
    : [];
}

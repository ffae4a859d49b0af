import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core-electron';
import { testElectronBinary } from '#build/test-electron.mjs';

export const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');
export const electronBinary = join(root, testElectronBinary);

/** The reason why the desktop program cannot be driven here, or null when it can. */
export function whyNoElectron(): string | null {
  if (!existsSync(electronBinary)) return `no ${testElectronBinary}: set-up could not fetch it from the npm registry`;
  if (!existsSync('/usr/bin/Xvfb')) return 'no Xvfb';
  return null;
}

/** An invisible display. */
export interface Display {
  /** As in the variable DISPLAY. */
  readonly name: string;
  readonly close: () => Promise<void>;
}

/** Starts Xvfb on a display that it chooses. */
export async function openDisplay(): Promise<Display> {
  // Xvfb writes the number of the display to the fourth descriptor once it is ready.
  const args = ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp'];
  const child = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const number = await new Promise<string>((resolve, reject) => {
    child.stdio[3]?.once('data', (data) => resolve(String(data).trim()));
    child.once('error', reject);
    void ended.then(() => reject(new Error('Xvfb ended before it had a display')));
  });
  return {
    name: `:${number}`,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The environment of a desktop program with a separate home. */
export function shellEnv(display: Display, home: string): Record<string, string> {
  mkdirSync(home, { recursive: true });
  return {
    ...(process.env as Record<string, string>),
    DISPLAY: display.name,
    FIRSTLIGHT_HOME: home,
    FIRSTLIGHT_ACCEL: 'tcg',
    // Chromium leaves a folder in it when it is killed.
    TMPDIR: home,
  };
}

/** Chromium starts as root only without its sandbox. A machine without a graphics card has nothing for its GPU process. */
export const shellSwitches = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu'];

/** Delays the program until Playwright watches it. Playwright adds it by itself only where it chooses the binary. */
const playwrightLoader = join(
  dirname(createRequire(import.meta.url).resolve('playwright-core-electron')),
  'lib/server/electron/loader.js',
);

export interface LaunchOptions {
  readonly display: Display;
  readonly home: string;
  readonly args?: readonly string[];
  /** Files that are loaded before the program. */
  readonly preloads?: readonly string[];
}

/** Starts the desktop program of this checkout, under Playwright. */
export function launchShell({ display, home, args = [], preloads = [] }: LaunchOptions): Promise<ElectronApplication> {
  return _electron.launch({
    executablePath: electronBinary,
    args: [...[playwrightLoader, ...preloads].flatMap((path) => ['-r', path]), ...shellSwitches, root, ...args],
    env: shellEnv(display, home),
    timeout: 60_000,
  });
}

/** The window of a desktop program, once its page shows the editor. Errors: throws after 30 s, enough when busy. */
export async function openedWindow(shell: ElectronApplication): Promise<Page> {
  const page = await shell.firstWindow();
  page.setDefaultTimeout(30_000);
  await page.locator('.monaco-editor .view-line').first().waitFor();
  return page;
}

/** Longer than the program takes to end whole on a busy machine, also where its own guard has to kill it. */
const quitWaitMs = 25_000;

/** Quits a desktop program like its menu, and waits for its end. */
export async function quitShell(shell: ElectronApplication): Promise<void> {
  const child = shell.process();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== null || child.signalCode !== null) return;
  // The program may end before it answers.
  shell.evaluate(({ app }) => app.quit()).catch(() => undefined);
  // A driver that hangs may never have asked it to.
  const killing = setTimeout(() => child.kill('SIGKILL'), quitWaitMs);
  await ended;
  clearTimeout(killing);
}

/**
 * Runs the desktop program without Playwright until it ends.
 *
 * Shape: the lines that a preloaded file printed after "driver: ".
 * Errors: throws when it has not ended by itself in 100 s.
 */
export async function runAlone({ display, home, preloads = [], args = [] }: LaunchOptions): Promise<string[]> {
  const options = [...preloads.flatMap((path) => ['-r', path]), ...shellSwitches, root, ...args];
  const child = spawn(electronBinary, options, {
    env: shellEnv(display, home),
    stdio: ['ignore', 'pipe', 'ignore'],
    // A page that never comes back must not outlive its test.
    timeout: 100_000,
    // It may take no other signal.
    killSignal: 'SIGKILL',
  });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (child.killed) throw new Error(`The program did not end. It printed: ${printed}`);
  return [...printed.matchAll(/^driver: (.*)$/gm)].map(([, line]) => line ?? '');
}

/** Starts the program again beside a running one, like a second click. Shape: its exit code. */
export function startSecond({ display, home, args = [] }: LaunchOptions): Promise<number | null> {
  const child = spawn(electronBinary, [...shellSwitches, root, ...args], {
    env: shellEnv(display, home),
    stdio: 'ignore',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** Makes every dialog for files and folders answer with this path, or close. */
export const answerPicker = (shell: ElectronApplication, path: string | null): Promise<void> =>
  shell.evaluate(({ dialog }, picked) => {
    const filePaths = picked === null ? [] : [picked];
    dialog.showOpenDialog = async () => ({ canceled: picked === null, filePaths });
  }, path);

/** The result of a call from the page to the engine: its value, or the code of its error. */
export const callFromPage = (page: Page, name: unknown, input: unknown): Promise<unknown> =>
  page.evaluate(
    async ([called, given]) => {
      const bridge = Reflect.get(window, 'firstlight');
      const outcome = await bridge.call(called, given, () => undefined).outcome;
      return outcome.ok ? outcome.value : outcome.error.code;
    },
    [name, input] as const,
  );

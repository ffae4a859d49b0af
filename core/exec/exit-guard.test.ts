import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { guardExit } from './exit-guard.ts';

/** A process that ignores what asks it to end, once it does so. */
async function startDeaf() {
  const child = spawn(
    process.execPath,
    [
      '-e',
      "process.on('SIGTERM', () => {}); console.log('deaf'); for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { child, pid: child.pid ?? 0, ended };
}

/** The guards that watch a process. */
const guardsOf = (pid: number): string[] =>
  readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${Number(name)}/cmdline`, 'utf8').includes(`firstlight-exit-guard\0${pid}\0`);
    } catch {
      // This is not a process, or it has just ended.
      return false;
    }
  });

it('kills a process that does not end', async () => {
  const { pid, ended } = await startDeaf();
  guardExit(pid, 0.5);
  expect(await ended).toBe('SIGKILL');
  await vi.waitFor(() => expect(guardsOf(pid)).toEqual([]), 20_000);
});

it('goes away with a process that ends', async () => {
  const { child, pid, ended } = await startDeaf();
  guardExit(pid, 600);
  await vi.waitFor(() => expect(guardsOf(pid)).toHaveLength(1), 20_000);
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  await vi.waitFor(() => expect(guardsOf(pid)).toEqual([]), 20_000);
});

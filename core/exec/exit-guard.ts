import { spawnAlone } from 'node-libvirt';

/** Kills the process `$1` when it is still there after `$2` seconds, and ends with it when it ends before. */
const script = 'timeout "$2" tail -s 0.1 --pid="$1" -f /dev/null; [ $? -eq 124 ] && kill -KILL "$1"';

/**
 * Kills a process that has not ended after a while, even if it can run no code by then.
 *
 * It is a process of its own, since a loop in the teardown of a runtime leaves neither timers nor threads.
 */
export function guardExit(pid: number, limitSeconds: number): void {
  const child = spawnAlone('/bin/sh', ['-c', script, 'firstlight-exit-guard', `${pid}`, `${limitSeconds}`], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    // A signal to the group of a terminal must not end the guard before its process.
    detached: true,
  });
  // Without a shell there is no guard; the process ends by itself, as it nearly always does.
  child.on('error', () => undefined);
  child.unref();
}

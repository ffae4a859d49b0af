import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchPiped, type Piped } from '#core/exec/launch.ts';
import { isAlive, type Owner, processOf } from '#core/store/owner.ts';
import { FirstlightError } from '#shared/errors.ts';

/** A process that runs one machine, of this program or of an earlier one. */
export interface FirecrackerProcess {
  readonly owner: Owner;
  /** Its pipes; null for a process that another program started. */
  readonly piped: Piped | null;
  /** Settles when it is gone, with its exit code; null when a signal ended it, or it was not ours to wait for. */
  readonly ended: Promise<number | null>;
  /** Ends it at once, and settles when it is gone. */
  readonly kill: () => Promise<void>;
}

/** The interval of checks on a process that is not our child. */
const pollMs = 300;

/**
 * Starts Firecracker in the folder of its sockets, with its API on one and its log in a file. It has its own session: a hang-up of the terminal
 * is a signal that ends it. Its seccomp filters are its own.
 *
 * Errors: TOOL_MISSING, BOOT_FAILED.
 */
export function startProcess(
  program: string,
  {
    apiSocket,
    logPath,
    env,
  }: { readonly apiSocket: string; readonly logPath: string; readonly env: NodeJS.ProcessEnv },
): FirecrackerProcess {
  const args = ['--api-sock', apiSocket, '--log-path', logPath, '--level', 'Warn'];
  const piped = launchPiped(program, args, { env, errorPath: logPath, dir: dirname(apiSocket) });
  const owner = piped.pid === undefined ? null : processOf(piped.pid);
  if (owner === null) {
    piped.exited.catch(() => undefined);
    throw new FirstlightError('BOOT_FAILED', `${program} did not start.`, {
      hint: 'Run `firstlight doctor`: it looks at Firecracker.',
      details: { subject: program },
    });
  }
  const ended = piped.exited.then(
    ({ code }) => code,
    () => null,
  );
  const kill = async () => {
    piped.kill();
    await ended;
  };
  return { owner, piped, ended, kill };
}

/** A process that an earlier program started. No other one with its number is ever taken for it. */
export function foundProcess(owner: Owner): FirecrackerProcess {
  const watch = async () => {
    while (isAlive(owner)) await sleep(pollMs, undefined, { ref: false });
    return null;
  };
  const ended = watch();
  const kill = async () => {
    if (isAlive(owner)) process.kill(owner.pid, 'SIGKILL');
    while (isAlive(owner)) await sleep(5);
  };
  return { owner, piped: null, ended, kill };
}

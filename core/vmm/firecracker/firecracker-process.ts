import { setTimeout as sleep } from 'node:timers/promises';
import type { Piped, PipedLauncher, PipedPlace } from '#core/exec/piped-launcher.ts';
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

/** The command that becomes a Firecracker: itself, or a jailer that is replaced by it and keeps its process number. */
export interface FirecrackerCommand extends PipedPlace {
  readonly program: string;
  readonly args: readonly string[];
}

/** Firecracker's own arguments. Shape: paths as it sees them. */
export const firecrackerArgs = (apiSocket: string, logPath: string): readonly string[] => [
  ...['--api-sock', apiSocket, '--log-path', logPath, '--level', 'Warn'],
];

/**
 * Starts Firecracker. It has its own session: a hang-up of the terminal is a signal that ends it. Its seccomp filters
 * are its own.
 *
 * Errors: BOOT_FAILED.
 */
export function startProcess(
  { program, args, ...place }: FirecrackerCommand,
  launcher: PipedLauncher,
): FirecrackerProcess {
  const piped = launcher.launch(program, args, place);
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

import type { Readable, Writable } from 'node:stream';
import { exitCodes } from '#shared/errors.ts';

/** Signals that end a command, with the exit code a shell expects of them. */
export const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;
export type EndSignal = keyof typeof signalExitCodes;

/** The properties of a terminal's output stream that commands use; all are absent for a pipe or a file. */
export interface Output extends Writable {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}
export interface Input extends Readable {
  readonly isTTY?: boolean | undefined;
  readonly setRawMode?: ((raw: boolean) => unknown) | undefined;
}

/** The command line's interface to its process. */
export interface Io {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Calls back on each Ctrl-C, request to end, or closed reader (`| head`); returns the function that stops it. */
  readonly onEnd: (listener: (signal: EndSignal) => void) => () => void;
  /** Ends the process at once. */
  readonly exitNow: (code: number) => void;
}

/** The `Io` of this process. */
export function createProcessIo(): Io {
  const listeners = new Set<(signal: EndSignal) => void>();
  const notify = (signal: EndSignal) => {
    if (listeners.size === 0) process.exit(signalExitCodes[signal]);
    for (const listener of listeners) listener(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => notify(signal));

  let gone = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      process.stderr.write(`error[DISK_FULL] Could not write to standard output: ${error.message}\n`);
      process.exit(exitCodes.environment);
    }
    // Every write after the reader has closed fails again; it is reported once.
    if (!gone) notify('SIGPIPE');
    gone = true;
  });
  // stderr has no reader, or no room; the work itself continues.
  process.stderr.on('error', () => undefined);

  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: workingDir(process.env),
    onEnd: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exitNow: (code) => process.exit(code),
  };
}

/**
 * The folder that the command was called in, as the shell names it where it has been deleted since: what needs the folder
 * then says that it is gone, and `ps` needs none. The process itself goes to `/`, since libraries ask where it is.
 */
export function workingDir({ PWD }: NodeJS.ProcessEnv): string {
  try {
    return process.cwd();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    process.chdir('/');
    return PWD?.startsWith('/') === true ? PWD : '/';
  }
}

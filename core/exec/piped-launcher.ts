import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { spawnAlone } from 'node-libvirt';
import { FirstlightError } from '#shared/errors.ts';
import { exitOf, type Launched } from './launch.ts';

/** A program whose input and output are pipes of this one; its errors go to a file. It runs in its own session. */
export interface Piped extends Pick<Launched, 'pid' | 'exited'> {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Ends it at once, by SIGKILL. */
  readonly kill: () => void;
}

export interface PipedPlace {
  /** The folder that it starts in. */
  readonly dir: string;
  /** The file for its standard error. */
  readonly errorPath: string;
}

/** Starts programs with pipes to their input and from their output, some of them by a process that was made ahead. */
export interface PipedLauncher {
  /** Starts a program in a folder. Errors: those of opening the file for its errors. */
  readonly launch: (file: string, args: readonly string[], place: PipedPlace) => Piped;
  /** Ends the process that was made ahead. Settles when it is gone; no other is made. */
  readonly close: () => Promise<void>;
}

/**
 * A shell that takes its arguments from its input, one in each line to an empty one, and becomes the program: in this
 * folder, with its errors in this file. It ends with its input. `read` takes no byte beyond its line.
 */
const becomeProgram =
  'while IFS= read -r line && [ -n "$line" ]; do set -- "$@" "$line"; done; ' +
  '[ $# -gt 2 ] || exit 0; cd -- "$1" && exec 2>>"$2" && shift 2 && exec "$@"';
/** The guest of the last start has answered by then: making a process holds this one up. */
const refillDelayMs = 250;

/**
 * A launcher of programs with this environment. After the first start, one shell of 1 MB waits to become the next
 * program: a child of Node.js begins as a copy of it, which takes 10 ms for each 100 MB, and nothing else happens then.
 */
export function createPipedLauncher(env: NodeJS.ProcessEnv): PipedLauncher {
  let spare: ChildProcess | null = null;
  let refilling: NodeJS.Timeout | null = null;
  let isClosed = false;

  function makeSpare(): void {
    refilling = null;
    const child = spawnAlone('/bin/sh', ['-c', becomeProgram], {
      ...ownSession(env),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const forget = () => {
      if (spare === child) spare = null;
    };
    child.once('exit', forget);
    child.once('error', forget);
    // The end of the process reports a pipe that breaks.
    child.stdin?.on('error', () => undefined);
    letEnd(child, true);
    spare = child;
  }

  return {
    launch(file, args, place) {
      const startedAt = performance.now();
      const errors = openSync(place.errorPath, 'a');
      const lines = [place.dir, place.errorPath, file, ...args];
      const ready = lines.every((line) => line !== '' && !line.includes('\n')) ? spare : null;
      const child =
        ready ?? spawnAlone(file, args, { ...ownSession(env), stdio: ['pipe', 'pipe', errors], cwd: place.dir });
      closeSync(errors);
      if (ready !== null) {
        spare = null;
        letEnd(ready, false);
        ready.stdin?.write(`${lines.join('\n')}\n\n`);
      }
      if (spare === null && !isClosed) refilling ??= setTimeout(makeSpare, refillDelayMs).unref();
      return pipedOf(child, file, startedAt);
    },
    async close() {
      isClosed = true;
      if (refilling !== null) clearTimeout(refilling);
      const child = spare;
      if (child === null) return;
      const ended = exitOf(child, '/bin/sh', 0).catch(() => undefined);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const ownSession = (env: NodeJS.ProcessEnv) => ({ env, detached: true });

/** Lets this process end while a child waits, or not. */
function letEnd(child: ChildProcess, may: boolean): void {
  for (const handle of [child, child.stdin, child.stdout]) {
    if (handle === child || handle instanceof Socket) (handle as ChildProcess)[may ? 'unref' : 'ref']();
  }
}

function pipedOf(child: ChildProcess, file: string, startedAt: number): Piped {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new FirstlightError('INTERNAL', `${file} was started without pipes.`);
  // The end of the process reports a pipe that breaks.
  stdin.on('error', () => undefined);
  return {
    pid: child.pid,
    stdin,
    stdout,
    exited: exitOf(child, file, startedAt),
    kill: () => void child.kill('SIGKILL'),
  };
}

import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { spawnAlone } from 'node-libvirt';
import { FirstlightError } from '#shared/errors.ts';
import { exitOf, type Launched } from './launch.ts';

/** A program that runs beside this one, in its own session, and says how far it is. */
export interface ReadyProgram extends Pick<Launched, 'pid' | 'exited'> {
  /** Settles when it has written a first byte to its descriptor `readyDescriptor`. Errors: TOOL_FAILED when it ends without. */
  readonly begun: Promise<void>;
  /** Settles when it has written a second one. Errors: TOOL_FAILED when it ends without. */
  readonly ready: Promise<void>;
  /** Ends it at once, by SIGKILL. */
  readonly kill: () => void;
}

export interface ReadyPlace {
  readonly env: NodeJS.ProcessEnv;
  /** The file for its standard error. */
  readonly errorPath: string;
  /** True: its standard input ends with this process, however that ends. False: it has none. */
  readonly isTied: boolean;
}

export const readyDescriptor = 3;

/** Starts a program that does not keep this one from its end. Errors: those of opening the file for its errors. */
export function launchUntilReady(file: string, args: readonly string[], place: ReadyPlace): ReadyProgram {
  const startedAt = performance.now();
  const errors = openSync(place.errorPath, 'a');
  const child = spawnAlone(file, args, {
    env: place.env,
    detached: true,
    stdio: [place.isTied ? 'pipe' : 'ignore', 'ignore', errors, 'pipe'],
  });
  closeSync(errors);
  const said = child.stdio[readyDescriptor];
  const exited = exitOf(child, file, startedAt);
  // Its end is also awaited where nobody asks for it.
  exited.catch(() => undefined);
  const after = (count: number) => {
    let left = count;
    const saying = new Promise<void>((resolve, reject) => {
      const fail = () => reject(new FirstlightError('TOOL_FAILED', `${file} ended before it was ready.`));
      said?.on('data', (bytes: Buffer) => {
        left -= bytes.length;
        if (left <= 0) resolve();
      });
      said?.once('close', fail);
      exited.catch(reject);
    });
    saying.catch(() => undefined);
    return saying;
  };
  const [begun, ready] = [after(1), after(2)];
  // It keeps this end open as long as it runs.
  ready.then(() => said instanceof Socket && said.destroy()).catch(() => undefined);
  // The end of the program reports a pipe that breaks.
  child.stdin?.on('error', () => undefined);
  for (const handle of [child, child.stdin]) if (handle === child || handle instanceof Socket) handle?.unref();
  return { pid: child.pid, exited, begun, ready, kill: () => void child.kill('SIGKILL') };
}

import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { spawnAlone } from 'node-libvirt';
import { FirstlightError } from '#shared/errors.ts';

/** A program that runs beside this one and independently of it: a window. */
export interface Launched {
  /** Undefined when it did not start. */
  readonly pid: number | undefined;
  /** Resolves when it has ended. Errors: TOOL_MISSING, TOOL_FAILED when it never started. */
  readonly exited: Promise<{ readonly code: number | null; readonly afterMs: number }>;
  readonly close: () => void;
}

/** The path of the first of these programs that is on PATH, or null. */
export function findProgram(names: readonly string[], env: NodeJS.ProcessEnv): string | null {
  for (const name of names) {
    for (const dir of (env.PATH ?? '').split(delimiter)) {
      const path = join(dir, name);
      if (dir !== '' && isExecutable(path)) return path;
    }
  }
  return null;
}

/** Starts a program and leaves it running; its output is dropped. */
export function launch(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Launched {
  const startedAt = performance.now();
  const child = spawnAlone(file, args, { stdio: ['ignore', 'ignore', 'ignore'], env });
  return { pid: child.pid, exited: exitOf(child, file, startedAt), close: () => child.kill() };
}

/** Errors: TOOL_MISSING, TOOL_FAILED when it never started. */
export function exitOf(child: ChildProcess, file: string, startedAt: number): Launched['exited'] {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => resolve({ code, afterMs: performance.now() - startedAt }));
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' ? 'TOOL_MISSING' : 'TOOL_FAILED';
      reject(new FirstlightError(code, `${file} did not start.`, { cause, details: { subject: file } }));
    });
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Missing, or not executable by us: the next folder may have it.
    return false;
  }
}

/** Compiles Ember's C for the host, with sanitizers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const guestDir = path.resolve(import.meta.dirname, '..');

/** An access out of bounds, or undefined behaviour in C, ends the program with a report. */
const sanitizers = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

export interface HostCompiler {
  /** Compiles a source of `guest/`; returns the object's path. */
  readonly compile: (source: string, object: string, flags?: readonly string[]) => string;
  /** Links objects; returns the program's path. */
  readonly link: (name: string, objects: readonly string[]) => string;
  readonly remove: () => void;
}

export function createHostCompiler(): HostCompiler {
  const dir = mkdtempSync(path.join(tmpdir(), 'ember-host-'));
  return {
    compile: (source, object, flags = []) => {
      const output = path.join(dir, object);
      execFileSync('gcc', [
        ...['-std=gnu11', '-O2', '-Wall', '-fno-builtin', '-mno-red-zone', ...sanitizers, ...flags],
        ...['-c', path.resolve(guestDir, source), '-o', output],
      ]);
      return output;
    },
    link: (name, objects) => {
      const program = path.join(dir, name);
      execFileSync('gcc', [...sanitizers, ...objects, '-o', program, '-lm']);
      return program;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

import { PassThrough } from 'node:stream';
import type { EndSignal, Io } from '../io.ts';

/** An `Io` that a test reads and writes; `end` simulates Ctrl-C. */
export interface FakeIo extends Io {
  readonly stdin: PassThrough;
  readonly out: () => string;
  readonly err: () => string;
  readonly end: (signal: EndSignal) => void;
  readonly exits: number[];
}

/** An `Io` without a terminal. */
export function createFakeIo(options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): FakeIo {
  const stdin = new PassThrough();
  const stdout = capture();
  const stderr = capture();
  const listeners = new Set<(signal: EndSignal) => void>();
  const exits: number[] = [];
  return {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: options.env ?? { LANG: 'C.UTF-8' },
    cwd: options.cwd ?? '/somewhere',
    onEnd: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exitNow: (code) => void exits.push(code),
    exits,
    out: stdout.text,
    err: stderr.text,
    end: (signal) => {
      for (const listener of listeners) listener(signal);
    },
  };
}

function capture() {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

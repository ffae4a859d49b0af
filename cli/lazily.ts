import type { Command } from 'commander';
import type { Session } from './session.ts';

/** A command's work. Shape: its answer is the exit code. */
export type Work<Args extends readonly unknown[]> = (session: Session, ...args: Args) => Promise<number>;

/** The action of a command whose code is loaded when it runs. */
export type Lazily = <Args extends readonly unknown[]>(
  load: () => Promise<Work<Args>>,
) => (...args: readonly [...Args, Command]) => Promise<void>;

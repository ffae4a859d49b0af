import type { Command } from 'commander';
import type { Session } from './session.ts';

/** The work of a command. Shape: it returns the exit code. */
export type Work<Args extends readonly unknown[]> = (session: Session, ...args: Args) => Promise<number>;

/** Makes the action of a command whose code is loaded only when it is run. */
export type Lazily = <Args extends readonly unknown[]>(
  load: () => Promise<Work<Args>>,
) => (...args: readonly [...Args, Command]) => Promise<void>;

/** Adds a command with its description, its examples and `--json`. */
export type AddTo = (parent: Command, usage: string, description: string, examples: readonly string[]) => Command;

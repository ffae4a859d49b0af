// The common parts of the scripts of build/: the path of the checkout, an error that a person can act on, and a main
// function.
import { basename } from 'node:path';
import { log } from './log.mjs';

/** The directory of the checkout this script belongs to. */
export const root = new URL('..', import.meta.url).pathname.replace(/\/$/, '');

/** The oldest Node that runs Firstlight. Shape: [major, minor]. */
const oldestNode = [20, 19];

/** A failure that a person can act on: `message` describes the failure, `hint` the remedy. */
export class SetupError extends Error {
  name = 'SetupError';

  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Checks the version of Node. Errors: throws a SetupError when it is too old. */
export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new SetupError(
    `Firstlight needs Node ${oldestNode.join('.')} or newer, and this is Node ${version} (${process.execPath}).`,
    'Install a newer Node, for example from nodejs.org or with your version manager, and run the command again.',
  );
}

/** Runs a script's main function; prints a failure with its hint and ends the process with `exitCode` (3: environment). */
export async function runMain(main, exitCode = 3) {
  try {
    requireNode();
    await main();
  } catch (error) {
    const script = basename(process.argv[1] ?? 'firstlight');
    if (error instanceof SetupError) {
      log(`\n${script}: ${error.message}`);
      if (error.hint) log(`  → ${error.hint}`);
    } else {
      log(`\n${script}: unexpected: ${error?.stack ?? error}`);
    }
    process.exit(exitCode);
  }
}

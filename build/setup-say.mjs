// How set-up talks: plain lines on stderr, so that stdout stays the program's own.
import { basename } from 'node:path';

/** The directory of the checkout this script belongs to. */
export const root = new URL('..', import.meta.url).pathname.replace(/\/$/, '');

/** The oldest Node that runs Firstlight. Shape: [major, minor]. */
const oldestNode = [20, 19];

/** A failure that a person can act on: `message` says what failed, `hint` what to do. */
export class SetupError extends Error {
  name = 'SetupError';

  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Prints one line on stderr. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** "850 ms", "12.3 s" or "2 min 5 s". */
export function formatMs(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Runs a step, saying when it starts, that it still goes on (each 15 s), and how long it took. */
export async function timed(title, work) {
  const startedAt = performance.now();
  const elapsed = () => formatMs(performance.now() - startedAt);
  say(`set-up: ${title} …`);
  // Long enough not to chatter, short enough that nobody thinks it hangs.
  const heartbeat = setInterval(() => say(`set-up: ${title}: still at work after ${elapsed()}`), 15_000);
  try {
    const result = await work();
    say(`set-up: ${title}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(heartbeat);
  }
}

/** Errors: throws a SetupError when this Node is too old. */
export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new SetupError(
    `Firstlight needs Node ${oldestNode.join('.')} or newer, and this is Node ${version} (${process.execPath}).`,
    'Install a newer Node, for example from nodejs.org or with your version manager, and run the command again.',
  );
}

/** Runs a script's main function; a failure is printed with its hint and ends the process with `exitCode` (3: environment). */
export async function runMain(main, exitCode = 3) {
  try {
    requireNode();
    await main();
  } catch (error) {
    const script = basename(process.argv[1] ?? 'firstlight');
    if (error instanceof SetupError) {
      say(`\n${script}: ${error.message}`);
      if (error.hint) say(`  → ${error.hint}`);
    } else {
      say(`\n${script}: unexpected: ${error?.stack ?? error}`);
    }
    process.exit(exitCode);
  }
}

// Runs the tools that set-up needs. Their output goes to a log file; a failure shows the tool's own last words.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './setup-say.mjs';

const running = new Set();

/** However this process ends, it leaves no tool of its own at work: half-done steps have no stamp and are done again. */
function endAll(signal) {
  for (const child of running) child.kill('SIGTERM');
  if (typeof signal === 'string') process.exit(signal === 'SIGINT' ? 130 : 143);
}

// Only while a tool runs: afterwards signals belong to the program that was set up.
const endings = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'];
const watchEnd = () => endings.forEach((event) => void process.on(event, endAll));
const unwatchEnd = () => endings.forEach((event) => void process.off(event, endAll));

/**
 * Runs a program to its end.
 *
 * Errors: throws a SetupError with the last lines of the output when it cannot be started or fails.
 */
export async function runTool(command, args, { name = command, cwd = root, env = {}, hint } = {}) {
  const logPath = join(root, '.cache/logs', `${name}.log`);
  mkdirSync(join(root, '.cache/logs'), { recursive: true });
  const log = openSync(logPath, 'w');
  try {
    const outcome = await new Promise((resolve) => {
      const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
      if (running.size === 0) watchEnd();
      running.add(child);
      const settle = (result) => {
        if (running.delete(child) && running.size === 0) unwatchEnd();
        resolve(result);
      };
      child.once('error', (error) => settle({ error }));
      child.once('close', (code, signal) => settle({ code, signal }));
    });
    if (outcome.code === 0) return;
    throw new SetupError(describeFailure([command, ...args].join(' '), outcome, logPath), hint);
  } finally {
    closeSync(log);
  }
}

function describeFailure(commandLine, { error, code, signal }, logPath) {
  if (error) return `\`${commandLine}\` could not be started: ${error.message}`;
  const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
  const words = pickWords(readFileSync(logPath, 'utf8')).join('\n    ');
  return `\`${commandLine}\` ${how}. In its own words (all of them: ${logPath}):\n    ${words}`;
}

/** The lines of a tool's output that say what went wrong: the first that are errors by npm's or apt's marks, else the last of all. */
export function pickWords(output) {
  const lines = output.trimEnd().split('\n');
  const errors = lines.filter((line) => /^(npm error|E:|error:)/i.test(line) && !/^npm error\s*$/i.test(line));
  return errors.length > 0 ? errors.slice(0, 12) : lines.slice(-15);
}

// Runs the tools that set-up needs. Their output goes to a log file; a failure shows its relevant lines.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './script.mjs';

const running = new Set();

/** Ends all running tools when this process ends. A step that was interrupted has no stamp, so it runs again next time. */
function endAll(signal) {
  for (const child of running) child.kill('SIGTERM');
  if (typeof signal === 'string') process.exit(signal === 'SIGINT' ? 130 : 143);
}

// The handlers are installed only while a tool runs: afterwards signals go to the program that was set up.
const endings = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'];
const watchEnd = () => endings.forEach((event) => void process.on(event, endAll));
const unwatchEnd = () => endings.forEach((event) => void process.off(event, endAll));

/**
 * Runs a program and waits for its exit.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ name?: string, cwd?: string, env?: Record<string, string>, hint?: string }} options
 *
 * Errors: throws a SetupError with the last lines of the output when it cannot be started or fails.
 */
export async function runTool(command, args, { name = command, cwd = root, env = {}, hint } = {}) {
  const logPath = join(root, '.cache/logs', `${name}.log`);
  mkdirSync(join(root, '.cache/logs'), { recursive: true });
  const logFile = openSync(logPath, 'w');
  try {
    const outcome = await new Promise((resolve) => {
      // The handlers come before the tool starts: a signal in between would end this process and leave the tool
      // running.
      if (running.size === 0) watchEnd();
      const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', logFile, logFile] });
      running.add(child);
      const finish = (result) => {
        if (running.delete(child) && running.size === 0) unwatchEnd();
        resolve(result);
      };
      child.once('error', (error) => finish({ error }));
      child.once('close', (code, signal) => finish({ code, signal }));
    });
    if (outcome.code === 0) return;
    throw new SetupError(describeFailure([command, ...args].join(' '), outcome, logPath), hint);
  } finally {
    closeSync(logFile);
  }
}

function describeFailure(commandLine, { error, code, signal }, logPath) {
  if (error) return `\`${commandLine}\` could not be started: ${error.message}`;
  const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
  const lines = pickErrorLines(readFileSync(logPath, 'utf8')).join('\n    ');
  return `\`${commandLine}\` ${how}. Its output (all of it: ${logPath}):\n    ${lines}`;
}

/** Picks the lines of a tool's output that explain a failure: the first lines that npm or apt mark as errors, else the last lines. */
export function pickErrorLines(output) {
  const lines = output.trimEnd().split('\n');
  const errors = lines.filter((line) => /^(npm error|E:|error:)/i.test(line) && !/^npm error\s*$/i.test(line));
  return errors.length > 0 ? errors.slice(0, 12) : lines.slice(-15);
}

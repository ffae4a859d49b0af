import { execFile } from 'node:child_process';

export interface RunToolOptions {
  readonly cwd?: string;
  /** Variables added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Units: ms until the tool is ended. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Exit codes that are an answer and not a failure. Default: only 0. */
  readonly okExitCodes?: readonly number[];
}

/** The output and the exit code of a tool. Errors: with the tool's own message, for another exit code. */
export function runTool(
  file: string,
  args: readonly string[],
  { cwd, env, timeoutMs = 30_000, okExitCodes = [0] }: RunToolOptions = {},
): Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 * 1024 ** 2 };
  return new Promise((resolve, reject) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === 'number' && okExitCodes.includes(exitCode)) {
        // As in a shell's $(…).
        resolve({ stdout: stdout.replace(/\n$/, ''), stderr: stderr.replace(/\n$/, ''), exitCode });
      } else {
        reject(new Error(`${[file, ...args].join(' ')} failed: ${stderr || stdout}`, { cause: error }));
      }
    });
  });
}

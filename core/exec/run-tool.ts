import { execa } from 'execa';
import { FirstlightError } from '#shared/errors.ts';

export interface RunToolOptions {
  readonly signal?: AbortSignal | undefined;
  /** Units: ms until the tool is ended. Default: 30 s. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The tool's standard input. */
  readonly input?: string;
  /** Exit codes that are an answer, not a failure. Default: only 0. */
  readonly okExitCodes?: readonly number[];
  /** True where its arguments and its standard output may be secrets: errors then have its standard error only. */
  readonly isSecret?: boolean;
}

/** The result of a tool that ended by itself. */
export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const defaultTimeoutMs = 30_000;
/** Enough for any tool we run; a longer output is cut, not kept in memory. */
const maxOutputChars = 4_000_000;
/** The length of a failed tool's output in the error: its end, where tools report the failure. */
const quotedChars = 4_000;

/**
 * The output of a program that is run with these arguments; no shell is involved.
 *
 * Errors: TOOL_MISSING when it is not installed; TOOL_FAILED with its own output when it exits with a code that is not
 * an answer, is killed, or takes too long; CANCELLED when the signal aborts.
 */
export async function runTool(
  file: string,
  args: readonly string[],
  options: RunToolOptions = {},
): Promise<ToolResult> {
  const { signal, timeoutMs = defaultTimeoutMs, cwd, env, input, okExitCodes = [0], isSecret = false } = options;
  const result = await execa(file, [...args], {
    reject: false,
    timeout: timeoutMs,
    maxBuffer: maxOutputChars,
    stdin: input === undefined ? 'ignore' : 'pipe',
    forceKillAfterDelay: 1000,
    ...(input !== undefined && { input }),
    ...(signal !== undefined && { cancelSignal: signal }),
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env: { ...env } }),
  });
  const { stdout = '', stderr = '', exitCode } = result;
  if (result.isCanceled) throw new FirstlightError('CANCELLED', `Cancelled: ${file}.`);
  if (exitCode !== undefined && okExitCodes.includes(exitCode)) return { stdout, stderr, exitCode };

  const command = isSecret ? file : [file, ...args].join(' ');
  if (result.code === 'ENOENT' && exitCode === undefined) {
    throw new FirstlightError('TOOL_MISSING', `${file} is not installed, or not on PATH.`, {
      hint: 'Run `firstlight doctor`: it names the package to install.',
      details: { subject: file },
    });
  }
  const why = result.timedOut
    ? `did not end within ${timeoutMs} ms`
    : result.isMaxBuffer
      ? 'printed too much'
      : exitCode === undefined
        ? `was ended by ${result.signal ?? 'an error'}`
        : `ended with exit code ${exitCode}`;
  const output = (isSecret ? withoutValues(stderr, args) : `${stderr}\n${stdout}`).trim().slice(-quotedChars);
  const lastLine = output.split('\n').at(-1)?.trim();
  throw new FirstlightError('TOOL_FAILED', `${file} ${why}${lastLine ? `: ${lastLine}` : '.'}`, {
    hint: `Run it yourself to see more: ${command}${isSecret && args.length > 0 ? ' with its arguments' : ''}`,
    details: { output, subject: command },
    // The words of execa's error have the arguments and both outputs.
    cause: result instanceof Error && !isSecret ? result : undefined,
  });
}

/** A text in which the values of options are left out: programs repeat an option that they do not know. */
function withoutValues(text: string, args: readonly string[]): string {
  const values = args.map((arg, at) => {
    if (arg.startsWith('-')) return arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : '';
    return /^-[^=]*$/.test(args[at - 1] ?? '') ? arg : '';
  });
  return values.filter((value) => value !== '').reduce((left, value) => left.replaceAll(value, '…'), text);
}

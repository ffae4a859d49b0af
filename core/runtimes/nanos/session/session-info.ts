import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import { nanosOptionsSchema } from '../options.ts';

/**
 * The places of the symbols of an image's kernel and program. Shape: `path` in the guest, `hostPath` and `kernelElf` on
 * this host.
 */
export const symbolsSchema = z.strictObject({
  kernelElf: z.string().nullable(),
  program: z.strictObject({ path: z.string(), hostPath: z.string() }).nullable(),
});
export type Symbols = z.output<typeof symbolsSchema>;

/**
 * The information about a Nanos instance that a session needs, as stored in the machine's metadata.
 *
 * Shape: `function` speaks Firstlight's own protocol, `http` is any program that serves HTTP, `job` a program that runs
 * to its end. `host` is null where only the guest can report its address.
 */
const sessionInfoSchema = z.strictObject({
  kind: z.enum(['function', 'http', 'job']),
  host: z.ipv4().nullable(),
  port: z.number().int().min(0).max(65_535),
  /** The first code that runs: the boot code of its disk, or its kernel. */
  boot: z.enum(['disk', 'direct']),
  /** The instance's own disk, where the kernel leaves its exit code. */
  disk: z.string().nullable(),
  /**
   * The exit codes that count as 0: the kernel applies the option to the machine's exit, not to the code that it
   * leaves.
   */
  expectedExitCode: nanosOptionsSchema.shape.expected_exit_code,
  /** Whether the kernel may print diagnostics among the program's lines: system calls, its trace, missing files. Default: true. */
  hasDiagnostics: z.boolean().optional(),
  /** All that the kernel says on the serial port, without its stamps. Absent: any message of the known forms. */
  kernelSays: z.array(z.string()).optional(),
  /** The files with the symbols of the kernel and the program, for crash reports. */
  symbols: symbolsSchema.nullable(),
});
export type SessionInfo = z.output<typeof sessionInfoSchema>;

export const writeSessionInfo = (info: SessionInfo): string => JSON.stringify(info);

/** Errors: CHANNEL_BROKEN for data that no Firstlight wrote. */
export function readSessionInfo(text: string | null): SessionInfo {
  try {
    return sessionInfoSchema.parse(JSON.parse(text ?? ''));
  } catch (cause) {
    throw new FirstlightError('CHANNEL_BROKEN', 'The instance does not say how it is reached.', {
      hint: 'It was started by another version of Firstlight. Stop it, and run the function again.',
      cause,
    });
  }
}

/** The address where the instance serves HTTP, as far as it is known without a request to the guest. */
export function urlOf({ kind, host, port }: SessionInfo): string | null {
  return kind === 'job' || host === null ? null : `http://${host}:${port}`;
}

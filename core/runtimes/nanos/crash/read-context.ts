/**
 * Reads the processor's state as Nanos prints it. Source: nanovms/nanos, `dump_context` in `src/x86_64/interrupt.c`.
 */

/** A function with the distance into it, as the kernel prints it where it has the symbols. Units: bytes. */
export interface SymbolPlace {
  readonly name: string;
  readonly offset: number;
}

/** A word of the console that may be an address. */
export interface PrintedAddress {
  readonly address: bigint;
  readonly symbol: SymbolPlace | null;
}

/** The state of a thread or of the kernel when it stopped. */
export interface CrashContext {
  /** By name, in the order of the console: `rip`, `rsp` and so on. */
  readonly registers: ReadonlyMap<string, PrintedAddress>;
  /** The processor's exception; null when there was none (a signal that was sent, a system call). */
  readonly vector: number | null;
  /** `Page fault`, where the kernel names it. */
  readonly vectorName: string | null;
  readonly errorCode: number | null;
  /** The memory that a page fault was about. */
  readonly faultAddress: bigint | null;
  /** `thread` is the program, `kernel` and `syscall` are Nanos. */
  readonly type: string | null;
  /** Return addresses by frame pointer, innermost first; worthless where code is compiled without one. */
  readonly trace: readonly PrintedAddress[];
  /** The content of the stack, from its top. */
  readonly stack: readonly PrintedAddress[];
  /** The offset of the kernel in memory from the addresses in `kernel.elf`. */
  readonly kernelOffset: bigint | null;
}

const printed = String.raw`([0-9a-f]{16})(?:\t\((.{1,500}) \+ ([0-9a-f]{16})/[0-9a-f]{16}\))?`;
const registerLine = new RegExp(`^ *(r[a-z0-9]{1,2}|rflags|[scde]s|[fg]sbase): ${printed}$`);
const wordLine = new RegExp(`^[0-9a-f]{16}: {3}${printed}$`);
const vectorLine = /^lastvector: ([0-9a-f]{16})(?: \((.+)\))?$/;
const typeLine = /^ *type: (\w+)$/;
const errorLine = /^error code: ([0-9a-f]{16})$/;
const addressLine = new RegExp(`^ *address: ${printed}$`);
const offsetLine = /^kernel load offset ([0-9a-f]{16})$/;
const titleLine = /^(frame|stack) trace: *$/;
const otherLine = /^(\*\*\* (Thread|Syscall) context:|loaded klibs: .*|(active_cpu|frame|stack top): .*)$/;

/** Frames and words of a stack are 32 each; further lines are not the kernel's. */
const maxWords = 64;

/** True for a line that is part of such a report. */
export function isContextLine(line: string): boolean {
  const lines = [
    registerLine,
    wordLine,
    vectorLine,
    typeLine,
    errorLine,
    addressLine,
    offsetLine,
    titleLine,
    otherLine,
  ];
  return lines.some((pattern) => pattern.test(line.trimStart()));
}

/** The first context in the lines of a report; null when there is none. */
export function readContext(lines: readonly string[]): CrashContext | null {
  const registers = new Map<string, PrintedAddress>();
  const trace: PrintedAddress[] = [];
  const stack: PrintedAddress[] = [];
  let vector: number | null = null;
  let vectorName: string | null = null;
  let errorCode: number | null = null;
  let type: string | null = null;
  let faultAddress: bigint | null = null;
  let kernelOffset: bigint | null = null;
  let section: 'registers' | 'frame' | 'stack' = 'registers';
  for (const raw of lines) {
    const line = raw.trimStart();
    const [, name = '', ...value] = registerLine.exec(line) ?? [];
    // The same register again: the context of the system call that the thread was in.
    if (registers.has(name)) break;
    if (name !== '') registers.set(name, toAddress(value));
    const [word, ...rest] = wordLine.exec(line) ?? [];
    const words = section === 'stack' ? stack : trace;
    if (word !== undefined && section !== 'registers' && words.length < maxWords) words.push(toAddress(rest));
    const [, title] = titleLine.exec(line) ?? [];
    if (title !== undefined) section = title as 'frame' | 'stack';
    const [, vectorText, named] = vectorLine.exec(line) ?? [];
    if (vectorText !== undefined && vector === null) {
      vector = Number.parseInt(vectorText, 16);
      vectorName = named ?? null;
    }
    errorCode ??= hexIn(errorLine, line);
    type ??= typeLine.exec(line)?.[1] ?? null;
    faultAddress ??= wideHexIn(addressLine, line);
    kernelOffset ??= wideHexIn(offsetLine, line);
  }
  if (registers.size === 0 && trace.length === 0) return null;
  return { registers, vector, vectorName, errorCode, faultAddress, type, trace, stack, kernelOffset };
}

function toAddress([text = '0', name, offset = '0']: readonly (string | undefined)[]): PrintedAddress {
  const symbol = name === undefined ? null : { name, offset: Number.parseInt(offset, 16) };
  return { address: BigInt(`0x${text}`), symbol };
}

function hexIn(pattern: RegExp, line: string): number | null {
  const value = wideHexIn(pattern, line);
  return value === null ? null : Number(value);
}

function wideHexIn(pattern: RegExp, line: string): bigint | null {
  const [, text] = pattern.exec(line) ?? [];
  return text === undefined ? null : BigInt(`0x${text}`);
}

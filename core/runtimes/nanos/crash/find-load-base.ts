import { fileType } from '@firstlight/elf';
import type { Code } from './find-symbols.ts';
import type { CrashContext } from './read-context.ts';

/** The range where a file may have been loaded, and the odds of a chance match there. */
export interface LoadRange {
  readonly lowest: number;
  readonly highest: number;
  /** The number of places where the file could be, without further knowledge. */
  readonly places: (code: Code) => number;
  /** The probability that an unrelated address lies in the file's code. */
  readonly chanceOfCode: (code: Code) => number;
}

const pageBytes = 4096;
const codeBytes = ({ segments }: Code): number => segments.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** A program that runs at any address is loaded within 4 MiB from here. Source: nanovms/nanos, `src/unix/exec.c`. */
const programBase = 0x40_0000;
const programReachBytes = 0x40_0000;
export const programRange: LoadRange = {
  lowest: programBase,
  highest: programBase + programReachBytes,
  places: () => programReachBytes / pageBytes,
  chanceOfCode: (code) => Math.min(1, Math.max(codeBytes(code), pageBytes) / (2 * programReachBytes)),
};
/** Libraries are mapped above the stack, near each other. Source: `PROCESS_VIRTUAL_HEAP_START` in `src/unix/unix_internal.h`. */
export const libraryRange: LoadRange = {
  lowest: 0x1_0000_0000,
  highest: 0x8000_0000_0000,
  places: (code) => codeBytes(code) / pageBytes + 1,
  chanceOfCode: () => 0.9,
};

/** The share of places in code that follow an apparent call: 1.7 % in libc, 2.7 % in node. */
const chanceOfCall = 0.03;
const maxChanceOfError = 0.01;

/**
 * The offset from addresses in a file to those in the guest; null when the console does not show it.
 *
 * Nanos loads programs and libraries at random addresses and prints none of them. But it prints return addresses, each
 * of which stands behind a call: of all pages at which the code could begin, only the right one has calls before all of
 * them.
 */
export function findLoadBase(code: Code, context: CrashContext, range: LoadRange): number | null {
  if (code.elf.header.type === fileType.executable) return 0;
  /** The probability that the code at a base fits so well by chance. */
  const chances = new Map<number, number>();
  const count = (word: number, isReturn: boolean) => {
    for (const base of basesFor(code, word, range)) {
      const isCall = isReturn && isAfterCall(code, word - base);
      const chance = range.chanceOfCode(code) * (isCall ? chanceOfCall : 1);
      chances.set(base, (chances.get(base) ?? range.places(code)) * chance);
    }
  };
  count(toNumber(context.registers.get('rip')?.address), false);
  const words = new Set([...context.trace, ...context.stack].map(({ address }) => toNumber(address)));
  for (const word of words) count(word, true);
  const [first, second] = [...chances].sort((a, b) => a[1] - b[1]);
  return first !== undefined && first[1] < maxChanceOfError && first[1] !== second?.[1] ? first[0] : null;
}

/** The user's half of the address space is far below 2^53; a higher address is not in a program. */
const toNumber = (address = 0n): number => (address < 2n ** 47n ? Number(address) : 0);

/** The possible load addresses of the file if an address is in its code. */
function* basesFor({ segments }: Code, address: number, { lowest, highest }: LoadRange): Generator<number> {
  for (const { start, bytes } of segments) {
    const first = Math.max(lowest, Math.ceil((address - start - bytes.length) / pageBytes) * pageBytes);
    for (let base = first; base <= Math.min(highest, address - start); base += pageBytes) yield base;
  }
}

/**
 * True when the instruction before an address of a file is a call.
 *
 * Source: Intel SDM volume 2, CALL: E8 with four bytes; FF with 2 in the middle of the byte after it, and up to five more.
 */
export function isAfterCall(code: Code, address: number): boolean {
  if (byteAt(code, address - 5) === 0xe8) return true;
  return [2, 3, 4, 6, 7].some((length) => {
    const operand = byteAt(code, address - length + 1);
    return byteAt(code, address - length) === 0xff && operand !== undefined && (operand & 0x38) === 0x10;
  });
}

export function byteAt({ segments }: Code, address: number): number | undefined {
  for (const { start, bytes } of segments) {
    if (address >= start && address < start + bytes.length) return bytes[address - start];
  }
  return undefined;
}

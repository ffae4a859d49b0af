import type { CrashContext } from './read-context.ts';

/** Source: `signal(7)`, x86-64. */
const names: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  16: 'SIGSTKFLT',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  26: 'SIGVTALRM',
  27: 'SIGPROF',
  29: 'SIGIO',
  30: 'SIGPWR',
  31: 'SIGSYS',
};

export interface SignalReport {
  readonly number: number;
  /** The cause: above 0 the kernel or the processor, otherwise the program itself. */
  readonly code: number;
  readonly threadId: number;
  /** The memory or the instruction concerned; null where the kernel does not report it. */
  readonly address: bigint | null;
}

export const signalName = (signal: number): string => names[signal] ?? `signal ${signal}`;

const unmappedCode = 1;
const accessCode = 2;
const kernelCode = 128;
/** Bits of the error code of a page fault. */
const write = 2;
const fetch = 16;
/** A null pointer to an object gives a low address when one of its fields is accessed. */
const nullPageBytes = 4096n;
const pageFault = 14;
/** A function's own variables seldom need more. */
const stackReachBytes = 64n * 1024n;

/**
 * A description in one sentence without a full stop. Shape: `isOutOfMemory` when the kernel reported that just before.
 */
export function describeSignal(signal: SignalReport, context: CrashContext | null, isOutOfMemory: boolean): string {
  const name = signalName(signal.number);
  if (isOutOfMemory && (name === 'SIGBUS' || name === 'SIGKILL')) return `${name}: the machine is out of memory`;
  if (signal.code <= 0) {
    return name === 'SIGABRT' ? `${name}: the program gave up with abort()` : `${name}: the program sent it to itself`;
  }
  switch (name) {
    case 'SIGSEGV':
      return `${name}: ${describeAccess(signal, context)}`;
    case 'SIGBUS':
      return `${name}: the memory at ${hex(signal.address)} cannot be had, for example past the end of a mapped file`;
    case 'SIGFPE':
      return `${name}: a division by zero, or one whose result is too big`;
    case 'SIGILL':
      return `${name}: an instruction that this processor does not have, or a deliberate trap`;
    case 'SIGTRAP':
      return `${name}: a breakpoint that no debugger was waiting for`;
    default:
      return `the program was ended by ${name}`;
  }
}

function describeAccess({ code, address }: SignalReport, context: CrashContext | null): string {
  if (code === kernelCode || address === null)
    return 'the processor refused an instruction, often for an address that cannot be';
  const bits = context?.vector === pageFault ? context.errorCode : null;
  const did = bits === null ? 'used' : bits & fetch ? 'jumped to' : bits & write ? 'wrote to' : 'read from';
  if (code === unmappedCode && isNearStack(address, context)) return 'the stack is full, often from endless recursion';
  if (address < nullPageBytes) return `the program ${did} ${hex(address)}: a null pointer`;
  if (code === accessCode) return `the program ${did} ${hex(address)}, which its memory there does not allow`;
  return `the program ${did} ${hex(address)}, where it has no memory`;
}

function isNearStack(address: bigint, context: CrashContext | null): boolean {
  const top = context?.registers.get('rsp')?.address;
  return top !== undefined && address > top - stackReachBytes && address < top + stackReachBytes;
}

/** An address as people write it. */
export const hex = (address: bigint | null): string =>
  address === null ? 'an unknown address' : `0x${address.toString(16)}`;

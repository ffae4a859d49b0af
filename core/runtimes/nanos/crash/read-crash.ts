import type { GuestPanic } from '#core/runtime/console.ts';
import { describeSignal, type SignalReport } from './describe-signal.ts';
import { type CrashContext, isContextLine, readContext, type SymbolPlace } from './read-context.ts';

/** A place in the code on the way to the crash. */
export interface CrashFrame {
  readonly address: bigint;
  /** `kernel`, a path once it is known, or null. */
  readonly object: string | null;
  readonly symbol: SymbolPlace | null;
}

/** The end of a Nanos guest, as read from its console. */
export interface NanosCrash {
  /**
   * `user fault`: the processor refused an action of the program. `signal`: it was ended by another signal, mostly its
   * own. `kernel panic`: Nanos itself failed. `halt`: Nanos or the dynamic linker gave up with a reason.
   */
  readonly kind: 'user fault' | 'signal' | 'kernel panic' | 'halt';
  /** One sentence without a point. */
  readonly message: string;
  /** The memory concerned. */
  readonly address: bigint | null;
  readonly signal: SignalReport | null;
  readonly context: CrashContext | null;
  /** The place of the crash, then its callers, as far as frame pointers lead. */
  readonly frames: readonly CrashFrame[];
  /** The console from where the report begins. */
  readonly report: string;
}

/** A report is 6 KB; one of a thread in a system call twice that. */
const maxReportChars = 64 * 1024;
/** Other processors may print a little before they stop. */
const maxForeignLines = 8;

const signalLine = /^\*\*\* signal (\d{1,3}) received by tid (\d{1,9}), errno -?\d{1,9}, code (-?\d{1,9})$/;
const faultAddressLine = /^ +fault address 0x([0-9a-f]{1,16})$/;
const abortLine = /^Process abort: (.{1,80}) received by thread \d{1,9}$/;
const panicLine =
  /^(no fault handler|exception during interrupt handling|exception for invalid interrupt vector|frame [0-9a-f]{16} already full)$/;
const kernelFaultLine = /^cpu: \d{1,5}, context type: \d{1,3}$/;
const stackCheckLine = /^(?:\[[\d.]+\] )?stack check failed(?: on cpu \d+)?$/;
const assertionLine = /^assertion (.{1,200}) failed at (\S{1,200}) \(IP .{1,40}\) in (\w{1,100})\(\)$/;
/** The messages of Nanos before it halts for a known reason. Source: the calls of `halt` in `src`. */
const haltLines: readonly [pattern: RegExp, say: (...parts: string[]) => string][] = [
  [
    /^program startup failed (?:on|before) exec: \(result:(.{1,500})\)$/,
    (why) => `Nanos could not start the program: ${why}`,
  ],
  [/^(?:\[[\d.]+\] )?Out of memory: cannot allocate (\d{1,20}) bytes$/, () => 'Nanos is out of memory'],
  [/^unhandled demand page failure for context type \d+$/, () => 'Nanos could not read a page that it needs itself'],
  [/^cannot get physical page for vaddr .*OOM$/, () => 'Nanos is out of memory'],
  [
    /^(read interp failed|klib automatic load failed|multiple root filesystems found|failed to parse program arguments)\b.*$/,
    (what) => `Nanos stopped: ${what}`,
  ],
  [
    /^(?:.{0,200}: )?error while loading shared libraries: (.{1,200}?): cannot open shared object file: No such file or directory$/,
    (library) => `The program needs the library ${library}, which is not in the image`,
  ],
  [
    /^Error loading shared library (.{1,200}?): No such file or directory \(needed by .{1,200}\)$/,
    (library) => `The program needs the library ${library}, which is not in the image`,
  ],
];
const outOfMemory = /out of memory/i;
const endLine = /^( {3}(core dump|terminate|stop)|Terminating\.|cpu [0-9a-f]{16}, state .*)$/;
/** With the option `missing_files`, the list of them comes last. */
const missingFilesLine = 'missing_files_begin';
const logLine = /^\[\d{1,10}\.\d{6}\] /;

type Start = (lines: readonly string[], at: number) => Omit<NanosCrash, 'report'> | null;

/** Each recognizes one beginning of a report. */
const starts: readonly Start[] = [readSignal, readAbort, readPanic, readAssertion, readHalt];

/**
 * The end of a guest as its console reports it; null when it reports none: it may still run, or its program may have
 * ended by itself, which Nanos does not print on the console.
 *
 * The program prints there too: a report with more after it than Nanos prints does not count.
 */
export function readCrash(consoleText: string): NanosCrash | null {
  const lines = consoleText.slice(-maxReportChars).replaceAll('\r', '').split('\n');
  for (let at = lines.length - 1; at >= 0; at--) {
    for (const start of starts) {
      const crash = start(lines, at);
      if (crash === null) continue;
      const from = firstLineOf(lines, at, crash);
      if (!isLast(lines, at, crash)) return null;
      return { ...crash, report: lines.slice(from).join('\n').trim() };
    }
  }
  return null;
}

/** `readCrash` in the form that a runtime gives to an instance's manager. */
export function readNanosPanic(consoleText: string): GuestPanic | null {
  const crash = readCrash(consoleText);
  if (crash === null) return null;
  const { kind, message, report } = crash;
  return { message, report, byProgram: kind === 'user fault' || kind === 'signal' };
}

function readSignal(lines: readonly string[], at: number): Omit<NanosCrash, 'report'> | null {
  const [, number, threadId, code] = signalLine.exec(lines[at] ?? '') ?? [];
  if (number === undefined) return null;
  const [, addressText] = faultAddressLine.exec(lines[at + 1] ?? '') ?? [];
  const address = addressText === undefined ? null : BigInt(`0x${addressText}`);
  const signal: SignalReport = { number: Number(number), code: Number(code), threadId: Number(threadId), address };
  const context = readContext(lines.slice(at + 1));
  const isOutOfMemory = lines.slice(Math.max(0, at - 5), at).some((line) => outOfMemory.test(line));
  const message = describeSignal(signal, context, isOutOfMemory);
  const kind = signal.code > 0 ? 'user fault' : 'signal';
  return { kind, message, address, signal, context, frames: framesOf(context) };
}

function readAbort(lines: readonly string[], at: number): Omit<NanosCrash, 'report'> | null {
  const [, cause] = abortLine.exec(lines[at] ?? '') ?? [];
  if (cause === undefined) return null;
  const context = readContext(lines.slice(at + 1));
  const message = `The program was ended: ${cause}`;
  return { kind: 'signal', message, address: null, signal: null, context, frames: framesOf(context) };
}

function readPanic(lines: readonly string[], at: number): Omit<NanosCrash, 'report'> | null {
  const line = lines[at] ?? '';
  const isFault = kernelFaultLine.test(line);
  if (!isFault && !panicLine.test(line) && !stackCheckLine.test(line)) return null;
  const context = readContext(lines.slice(at + 1));
  const said = isFault ? lines[at - 1] : stackCheckLine.test(line) ? line.replace(logLine, '') : undefined;
  const what = said || context?.vectorName || line;
  const where = context?.registers.get('rip')?.symbol?.name;
  const message = `Nanos crashed: ${what.toLowerCase()}${where === undefined ? '' : ` in ${where}`}`;
  const address = context?.faultAddress ?? null;
  return { kind: 'kernel panic', message, address, signal: null, context, frames: framesOf(context) };
}

/** The trace of a failed assertion stands before it. */
function readAssertion(lines: readonly string[], at: number): Omit<NanosCrash, 'report'> | null {
  const [, condition, place, where] = assertionLine.exec(lines[at] ?? '') ?? [];
  if (condition === undefined) return null;
  const context = readContext(lines.slice(traceStart(lines, at), at));
  const message = `Nanos crashed: the assertion "${condition}" failed in ${where} (${place?.replace(/^.*\/src\//, 'src/')})`;
  return { kind: 'kernel panic', message, address: null, signal: null, context, frames: framesOf(context) };
}

function readHalt(lines: readonly string[], at: number): Omit<NanosCrash, 'report'> | null {
  for (const [pattern, say] of haltLines) {
    const [whole, ...parts] = pattern.exec(lines[at] ?? '') ?? [];
    if (whole === undefined) continue;
    return { kind: 'halt', message: say(...parts), address: null, signal: null, context: null, frames: [] };
  }
  return null;
}

function framesOf(context: CrashContext | null): CrashFrame[] {
  if (context === null) return [];
  const instruction = context.registers.get('rip');
  return [...(instruction === undefined ? [] : [instruction]), ...context.trace].map(({ address, symbol }) => ({
    address,
    object: isKernelAddress(address) ? 'kernel' : null,
    symbol,
  }));
}

/** The upper half of the address space is Nanos' own; a value between the halves is not an address. */
const isKernelAddress = (address: bigint): boolean => address >= 0xffff_8000_0000_0000n;

function firstLineOf(lines: readonly string[], at: number, { kind, context }: Omit<NanosCrash, 'report'>): number {
  if (kind === 'kernel panic' && context !== null && assertionLine.test(lines[at] ?? '')) return traceStart(lines, at);
  return kernelFaultLine.test(lines[at] ?? '') ? Math.max(0, at - 1) : at;
}

/** The first line of the trace that leads up to a line. */
function traceStart(lines: readonly string[], at: number): number {
  let from = at;
  while (from > 0 && at - from < 80 && (lines[from - 1] === '' || isContextLine(lines[from - 1] ?? ''))) from--;
  return from;
}

/** True when only Nanos' own final output follows. */
function isLast(lines: readonly string[], at: number, { kind }: Omit<NanosCrash, 'report'>): boolean {
  // A line cut off at the end of the text may be the beginning of any line.
  const after = lines.slice(at + 1, -1);
  const listAt = after.indexOf(missingFilesLine);
  const last = listAt === -1 ? after : after.slice(0, listAt);
  const isOurs = (line: string) =>
    line === '' || isContextLine(line) || endLine.test(line) || logLine.test(line) || faultAddressLine.test(line);
  return last.filter((line) => !isOurs(line)).length <= (kind === 'halt' ? 0 : maxForeignLines);
}

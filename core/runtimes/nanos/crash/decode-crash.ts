import { FormatError } from '@firstlight/files';
import { demangle } from './demangle.ts';
import { byteAt, findLoadBase, isAfterCall, libraryRange, programRange } from './find-load-base.ts';
import { type Code, type CodeFile, findSymbols, readCode } from './find-symbols.ts';
import type { CrashContext, SymbolPlace } from './read-context.ts';
import { type CrashFrame, type NanosCrash, readCrash } from './read-crash.ts';
import { type DecodedFrame, renderRegisters, renderStack } from './render-crash.ts';

/** The places of the symbols. Shape: null or absent for a file that is not available. */
export interface CrashFiles {
  /** The kernel.elf of the release that was booted. */
  readonly kernelElf?: string | null;
  readonly program?: CodeFile | null;
  readonly libraries?: readonly CodeFile[];
}

/** A crash with names. */
export interface DecodedCrash extends NanosCrash {
  readonly frames: readonly DecodedFrame[];
  /** For `details.stack`: the message, then a line for each frame. */
  readonly stack: string;
  /** For `details.output`: the registers; the console's own text where there are none. */
  readonly output: string;
}

/** A file that was loaded, and the offset from its addresses to the guest's. */
interface Loaded {
  readonly file: CodeFile;
  readonly base: bigint;
  readonly code: Code | null;
}

/** The crash on a console of Nanos, with the functions that the given files name; null when there is none. */
export async function decodeCrash(consoleText: string, files: CrashFiles): Promise<DecodedCrash | null> {
  const crash = readCrash(consoleText);
  if (crash === null) return null;
  const { context } = crash;
  const loaded = context === null ? [] : await findLoaded(context, files);
  const places = pickFrames(crash, loaded);
  const frames = await nameFrames(places, loaded);
  const output = context === null || context.registers.size === 0 ? crash.report : renderRegisters(context);
  return { ...crash, frames, output, stack: renderStack(crash, frames) };
}

async function findLoaded(
  context: CrashContext,
  { kernelElf, program, libraries = [] }: CrashFiles,
): Promise<Loaded[]> {
  const loaded: Loaded[] = [];
  if (kernelElf && context.kernelOffset !== null) {
    loaded.push({ file: { path: 'kernel', hostPath: kernelElf }, base: context.kernelOffset, code: null });
  }
  const users = [...(program ? [program] : []), ...libraries];
  for (const file of users) {
    const code = await unlessUnreadable(readCode(file), null);
    if (code === null) continue;
    const base = findLoadBase(code, context, file === program ? programRange : libraryRange);
    if (base !== null) loaded.push({ file, base: BigInt(base), code });
  }
  return loaded;
}

/** A missing or damaged file costs only its names. */
async function unlessUnreadable<Value>(value: Promise<Value>, otherwise: Value): Promise<Value> {
  return value.catch((thrown: unknown) => {
    if (thrown instanceof FormatError) return otherwise;
    throw thrown;
  });
}

/** The kernel has the upper half to itself. */
const isKernels = ({ object }: CrashFrame): boolean => object === 'kernel';

function isCodeOf({ base, code }: Loaded, address: bigint): boolean {
  return code !== null && byteAt(code, Number(address - base)) !== undefined;
}

function isReturnTo({ base, code }: Loaded, address: bigint): boolean {
  return code !== null && isAfterCall(code, Number(address - base));
}

/** The credible frames: the trace up to its first invalid address; without one, return addresses from the stack. */
function pickFrames({ frames, context }: NanosCrash, loaded: readonly Loaded[]): DecodedFrame[] {
  if (context === null) return [];
  const hasInstruction = context.registers.has('rip');
  const isPlausible = (frame: CrashFrame, index: number) => {
    if (isKernels(frame) || (index === 0 && hasInstruction)) return true;
    const owner = loaded.find((one) => isCodeOf(one, frame.address));
    // It may be in a file whose load address is unknown.
    if (owner === undefined) return frame.address >= programRange.lowest && frame.address < libraryRange.highest;
    return isReturnTo(owner, frame.address);
  };
  const end = frames.findIndex((frame, index) => !isPlausible(frame, index));
  const sure = frames.slice(0, end === -1 ? frames.length : end).map((frame) => ({ ...frame, isSure: true }));
  if (sure.length > 1 || context.type !== 'thread') return sure;
  const lying = context.stack.filter(({ address }) => loaded.some((one) => isReturnTo(one, address)));
  return [...sure, ...lying.map((word) => ({ ...word, object: null, isSure: false }))];
}

async function nameFrames(frames: readonly DecodedFrame[], loaded: readonly Loaded[]): Promise<DecodedFrame[]> {
  const owners = frames.map((frame) =>
    loaded.find((one) => (one.code === null ? isKernels(frame) : isCodeOf(one, frame.address))),
  );
  /** A return address may be the first of the next function: the call before it counts. */
  const placeOf = (index: number, base: bigint) =>
    BigInt.asUintN(64, (frames[index]?.address ?? 0n) - base) - (index === 0 ? 0n : 1n);
  const symbols: (SymbolPlace | null)[] = frames.map(({ symbol }) => symbol);
  for (const one of new Set(owners)) {
    if (one === undefined) continue;
    const indexes = frames.flatMap((frame, index) => (owners[index] === one && frame.symbol === null ? [index] : []));
    const places = indexes.map((index) => placeOf(index, one.base));
    const found = await unlessUnreadable(findSymbols(one.file, places), new Map<bigint, SymbolPlace>());
    for (const index of indexes) {
      const place = found.get(placeOf(index, one.base));
      if (place !== undefined) symbols[index] = { ...place, offset: place.offset + (index === 0 ? 0 : 1) };
    }
  }
  const names = await demangle(symbols.flatMap((symbol) => symbol?.name ?? []));
  return frames.map((frame, index) => {
    const symbol = symbols[index];
    return {
      ...frame,
      object: owners[index]?.file.path ?? frame.object,
      symbol: symbol ? { ...symbol, name: names.get(symbol.name) ?? symbol.name } : null,
    };
  });
}

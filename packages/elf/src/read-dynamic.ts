import type { ByteSource } from './byte-source.ts';
import { dynamicTag, flags1 } from './elf-numbers.ts';
import { elfInvalid } from './read-header.ts';
import { fileOffsetOf, type Segment } from './segment.ts';

/** The dynamic section's entries for the linker. Shape: search paths as written, with `$ORIGIN` and colons. */
export interface Dynamic {
  readonly needed: readonly string[];
  readonly soname: string | null;
  readonly rpath: string | null;
  readonly runpath: string | null;
  /** Linked with `-z nodefaultlib`: only its own search path counts. */
  readonly noDefaultLibraries: boolean;
  /** It has entries that linkers put only into programs, not into libraries. */
  readonly isProgram: boolean;
}

const entryBytes = 16;
/** Thirty entries are usual; a program with a thousand libraries would fit. */
const maxDynamicBytes = 64 * 1024;
/** Names are sonames and paths; a search path may contain a few. */
const maxStringBytes = 16 * 1024;

/** The dynamic section. Errors: `invalid`. */
export async function readDynamic(
  source: ByteSource,
  segment: Segment,
  segments: readonly Segment[],
): Promise<Dynamic> {
  if (segment.fileBytes > maxDynamicBytes) {
    throw elfInvalid(source, `its dynamic section has ${segment.fileBytes} bytes`);
  }
  const entries = await source.read(segment.offset, segment.fileBytes);
  const neededAt: bigint[] = [];
  const last = new Map<bigint, bigint>();
  for (let at = 0; at + entryBytes <= entries.length; at += entryBytes) {
    const tag = entries.readBigUInt64LE(at);
    const value = entries.readBigUInt64LE(at + 8);
    if (tag === BigInt(dynamicTag.end)) break;
    if (tag === BigInt(dynamicTag.needed)) neededAt.push(value);
    else last.set(tag, value);
  }
  const lastOf = (tag: number) => last.get(BigInt(tag));
  const stringAt = await openStrings(source, segments, lastOf);
  const stringOf = async (tag: number, what: string) => {
    const at = lastOf(tag);
    return at === undefined ? null : stringAt(at, what);
  };
  const needed: string[] = [];
  for (const at of neededAt) needed.push(await stringAt(at, 'the name of a needed library'));
  const bits = lastOf(dynamicTag.flags1) ?? 0n;
  return {
    needed,
    soname: await stringOf(dynamicTag.soname, 'its SONAME'),
    rpath: await stringOf(dynamicTag.rpath, 'its RPATH'),
    runpath: await stringOf(dynamicTag.runpath, 'its RUNPATH'),
    noDefaultLibraries: (bits & BigInt(flags1.noDefaultLibraries)) !== 0n,
    isProgram: (bits & BigInt(flags1.pie)) !== 0n || last.has(BigInt(dynamicTag.debug)),
  };
}

type StringAt = (at: bigint, what: string) => Promise<string>;

/** Reads from the string table that the section names by its address in memory. */
async function openStrings(
  source: ByteSource,
  segments: readonly Segment[],
  lastOf: (tag: number) => bigint | undefined,
): Promise<StringAt> {
  const address = lastOf(dynamicTag.stringTable);
  const tableBytes = lastOf(dynamicTag.stringTableBytes) ?? 0n;
  const tableAt = address === undefined ? null : fileOffsetOf(segments, address);
  return async (at, what) => {
    if (tableAt === null) throw elfInvalid(source, 'its string table is in no segment that is loaded');
    if (at >= tableBytes) throw elfInvalid(source, `${what} lies past the end of its string table`);
    const length = Math.min(Number(tableBytes - at), maxStringBytes);
    const offset = tableAt + Number(at);
    const bytes = offset < source.bytes ? await source.read(offset, length) : Buffer.alloc(0);
    const end = bytes.indexOf(0);
    if (end === -1) throw elfInvalid(source, `${what} has no end`);
    return bytes.toString('utf8', 0, end);
  };
}

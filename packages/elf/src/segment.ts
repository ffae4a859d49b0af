import { segmentType } from './elf-numbers.ts';

/** A part of the file that is mapped or described. Units: bytes; `address` is virtual, as linked. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly fileBytes: number;
  readonly memoryBytes: bigint;
  readonly executable: boolean;
}

/** The file offset of the byte at a virtual address; null when no segment loads it from the file. */
export function fileOffsetOf(segments: readonly Segment[], address: bigint): number | null {
  for (const segment of segments) {
    const into = address - segment.address;
    if (segment.type === segmentType.load && into >= 0n && into < BigInt(segment.fileBytes)) {
      return segment.offset + Number(into);
    }
  }
  return null;
}

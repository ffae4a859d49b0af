import type { Disk } from '@firstlight/files';
import type { FileExtents } from '@firstlight/tfs';
import { chunkBytes, type Segment, segmentsOf } from '@firstlight/tfs';

/** True when two files of one length have the same bytes. Where both have holes of any length, nothing is read. */
export async function haveSameBytes(a: Disk, one: FileExtents, b: Disk, other: FileExtents): Promise<boolean> {
  const left = createReader(a, one);
  const right = createReader(b, other);
  for (let at = 0; at < one.bytes; ) {
    const length = Math.min(left.leftAt(at), right.leftAt(at));
    const part = left.isHole && right.isHole ? length : Math.min(length, chunkBytes);
    if (!(left.isHole && right.isHole)) {
      const [these, those] = await Promise.all([left.read(at, part), right.read(at, part)]);
      if (Buffer.compare(these, those) !== 0) return false;
    }
    at += part;
  }
  return true;
}

/** Goes through a file's segments, forwards. */
interface Reader {
  /** Moves on to the segment that contains a byte. Units: bytes of it from there. */
  readonly leftAt: (at: number) => number;
  readonly isHole: boolean;
  readonly read: (at: number, length: number) => Promise<Uint8Array>;
}

function createReader(disk: Disk, file: FileExtents): Reader {
  const segments = segmentsOf(file);
  let segment: Segment = { fileStart: 0, bytes: 0, diskStart: null };
  return {
    leftAt: (at) => {
      while (at >= segment.fileStart + segment.bytes) {
        const next = segments.next();
        if (next.done) return 0;
        segment = next.value;
      }
      return segment.fileStart + segment.bytes - at;
    },
    get isHole() {
      return segment.diskStart === null;
    },
    read: async (at, length) =>
      segment.diskStart === null
        ? new Uint8Array(length)
        : disk.read(segment.diskStart + at - segment.fileStart, length),
  };
}

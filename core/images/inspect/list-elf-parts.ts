import type { ByteSource } from '@firstlight/elf';
import { readElf, readSections, type Section, type Segment, segmentType } from '@firstlight/elf';
import type { Disk } from '@firstlight/files';
import type { ImageInfo } from '#shared/model/image-tree.ts';
import { bytes } from '#shared/model/units.ts';

/** A section that has a length in memory and no bytes in the file. */
const noBits = 8;

/**
 * The parts of an ELF image: its sections, and the loaded parts outside of sections, such as a heap written into it.
 *
 * Errors: ELF_INVALID, ARCHITECTURE_MISMATCH.
 */
export async function listElfParts(disk: Disk): Promise<ImageInfo['sections']> {
  const source = sourceOf(disk);
  const { header, segments } = await readElf(source);
  const sections = (await readSections(source, header)).filter(({ name, bytes: length }) => name !== '' && length > 0);
  const apart = segments.filter((segment) => segment.type === segmentType.load && !holdsAny(segment, sections));
  return [
    ...sections.map(({ name, type, bytes: length }) => ({ name, bytes: bounded(length), inFile: type !== noBits })),
    ...apart.map(({ address, memoryBytes, fileBytes }) => ({
      name: `loaded at 0x${address.toString(16)}`,
      bytes: bounded(Number(memoryBytes)),
      inFile: fileBytes > 0,
    })),
  ];
}

const holdsAny = ({ address, memoryBytes }: Segment, sections: readonly Section[]): boolean =>
  sections.some((section) => section.address >= address && section.address < address + memoryBytes);

/** A header may claim more than a double can represent as a whole number. */
const bounded = (length: number) => bytes(Math.min(length, Number.MAX_SAFE_INTEGER));

function sourceOf(disk: Disk): ByteSource {
  return {
    name: disk.path,
    bytes: disk.bytes,
    read: async (offset, length) => {
      const there = Math.max(0, Math.min(length, disk.bytes - offset));
      const data = await disk.read(Math.min(offset, disk.bytes), there);
      return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    },
  };
}

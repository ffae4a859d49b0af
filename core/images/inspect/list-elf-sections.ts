import type { ImageInfo } from '#shared/model/image-tree.ts';
import { bytes } from '#shared/model/units.ts';
import type { ByteSource } from '../disk/byte-source.ts';
import { imageInvalid } from '../disk/image-invalid.ts';

const headerBytes = 64;
const entryBytes = 64;
const maxSections = 4096;
const maxNamesBytes = 1024 ** 2;
/** A section that has a length in memory and no bytes in the file. */
const noBits = 8;

/** The named sections of a 64-bit little-endian ELF file. Errors: IMAGE_INVALID when its tables lead out of the file. */
export async function listElfSections(source: ByteSource): Promise<ImageInfo['sections']> {
  const invalid = (what: string, at: number) => imageInvalid(source.path, what, at);
  if (source.bytes < headerBytes) throw invalid('the ELF header is cut short', source.bytes);
  const header = viewOf(await source.read(0, headerBytes));
  if (header.getUint8(4) !== 2 || header.getUint8(5) !== 1) throw invalid('an ELF file that is not of 64 bits', 4);
  const tableStart = Number(header.getBigUint64(40, true));
  const count = header.getUint16(60, true);
  const namesIndex = header.getUint16(62, true);
  if (count === 0) return [];
  if (header.getUint16(58, true) !== entryBytes || count > maxSections || namesIndex >= count) {
    throw invalid('a section table of another form', 58);
  }
  if (tableStart + count * entryBytes > source.bytes) throw invalid('a section table outside the file', 40);
  const table = viewOf(await source.read(tableStart, count * entryBytes));
  const field = (index: number, at: number) => Number(table.getBigUint64(index * entryBytes + at, true));

  const namesStart = field(namesIndex, 24);
  const namesBytes = field(namesIndex, 32);
  if (namesBytes > maxNamesBytes || namesStart + namesBytes > source.bytes) {
    throw invalid('the section names are outside the file', tableStart + namesIndex * entryBytes + 24);
  }
  const names = Buffer.from(await source.read(namesStart, namesBytes));
  return Array.from({ length: count }, (_, index) => {
    const at = table.getUint32(index * entryBytes, true);
    const end = names.indexOf(0, at);
    const name = names.toString('latin1', at, end === -1 ? names.length : end);
    const inFile = table.getUint32(index * entryBytes + 4, true) !== noBits;
    return { name, bytes: bytes(Math.min(field(index, 32), Number.MAX_SAFE_INTEGER)), inFile };
  }).filter(({ name, bytes: length }) => name !== '' && length > 0);
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

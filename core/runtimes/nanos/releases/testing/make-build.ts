import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** An entry without content. */
export type OtherEntry = Pick<Header, 'name'> & Partial<Pick<Header, 'type' | 'linkname'>>;

/** The head of an ELF file for a machine, and then text that distinguishes it from others. */
export function elf(text: string, machine = 62): Buffer {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(machine, 18);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** A boot sector. */
export const bootSector = (): Buffer => {
  const sector = Buffer.alloc(512);
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
};

/** The files of a small release. It boots nothing. */
export const releaseParts = (text = 'one', machine = 62): Record<string, Buffer> => ({
  'kernel.img': elf(`kernel ${text}`, machine),
  'boot.img': bootSector(),
  'bootx64.efi': Buffer.from('MZ'),
  'klibs/ntp': elf('ntp', machine),
  'klibs/tls': elf('tls', machine),
});

/** Writes files into a directory. */
export async function writeParts(dir: string, parts: Readonly<Record<string, Buffer>>): Promise<string> {
  for (const [path, data] of Object.entries(parts)) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), data);
  }
  return dir;
}

/** A gzipped tarball of files, and of entries of other kinds. */
export async function tarball(
  parts: Readonly<Record<string, Buffer>>,
  others: readonly OtherEntry[] = [],
): Promise<Buffer> {
  const archive = pack();
  for (const header of others) archive.entry(header, '');
  for (const [name, data] of Object.entries(parts)) archive.entry({ name }, data);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

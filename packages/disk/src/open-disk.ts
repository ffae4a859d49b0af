import { dirname, isAbsolute, resolve } from 'node:path';
import { type ByteSource, createRawDisk, type Disk, type FileSource, FilesError, openFile } from '@firstlight/files';
import { DiskError, damagedDisk } from './disk-error.ts';
import { foreignContent, foreignFormat, foreignHeadBytes, unsupported } from './foreign-format.ts';
import { createQcow2Disk } from './read-qcow2.ts';
import { isQcow2, readQcow2Header } from './read-qcow2-header.ts';

/** A disk and the file of this host that contains it. */
export interface OpenDisk {
  readonly disk: Disk;
  readonly fileBytes: number;
  readonly allocatedBytes: number;
}

/** An overlay on an overlay on a base is three. */
const maxBackingFiles = 16;

/** Opens the base of a qcow2 file. */
export type BackingOpener = (name: string, format: string | null) => Promise<Disk>;

/**
 * Opens an image file, raw or qcow2, with all its base files.
 *
 * Errors: as `openFile`; `damaged`, `unsupported`, `base-missing`.
 */
export async function openDisk(path: string): Promise<OpenDisk> {
  const source = await openFile(path);
  const disk = await openChain(source, null, new Set());
  return { disk, fileBytes: source.bytes, allocatedBytes: source.allocatedBytes };
}

async function openChain(source: FileSource, format: string | null, above: ReadonlySet<string>): Promise<Disk> {
  try {
    if (above.has(source.identity)) throw damagedDisk(source.path, 'it builds on itself');
    if (above.size > maxBackingFiles) throw damagedDisk(source.path, `it builds on more than ${maxBackingFiles} files`);
    return await openSource(source, format, async (name, backingFormat) => {
      const file = await openFile(backingPath(source.path, name)).catch((thrown: unknown) => {
        if (!(thrown instanceof FilesError) || thrown.reason !== 'not-found') throw thrown;
        throw new DiskError('base-missing', `${source.path} builds on a file that is not there: ${name}.`, {
          hint: 'Put the base image back where it was, or give the overlay its new place with qemu-img rebase.',
          cause: thrown,
          subject: source.path,
        });
      });
      try {
        return await openChain(file, backingFormat, new Set([...above, source.identity]));
      } catch (cause) {
        if (!(cause instanceof DiskError) || cause.reason !== 'unsupported') throw cause;
        // What it builds on is found by its old name: only the whole can be converted.
        throw unsupported(source.path, `It builds on ${name}: ${cause.message}`, { format: 'qcow2' });
      }
    });
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** The disk in a source. Shape: `format` is the format named by the file above; null when it names none. */
export async function openSource(source: ByteSource, format: string | null, openBacking: BackingOpener): Promise<Disk> {
  if (format !== null && format !== 'raw' && format !== 'qcow2') {
    throw unsupported(source.path, `It is of the format ${JSON.stringify(format)}`);
  }
  // A disk with the format raw is read raw, whatever its first bytes are: a guest may have written those.
  const first = format === 'raw' ? new Uint8Array() : await source.read(0, Math.min(4, source.bytes));
  if (!isQcow2(first)) {
    if (format === 'qcow2') throw damagedDisk(source.path, 'no qcow2 file', 0);
    if (format === null) await refuseForeign(source);
    return createRawDisk(source);
  }
  const header = await readQcow2Header(source);
  const below = header.backing === null ? null : await openBacking(header.backing.name, header.backing.format);
  try {
    return await createQcow2Disk(source, header, below);
  } catch (thrown) {
    await below?.close();
    throw thrown;
  }
}

/** A file with the format raw is raw; a file without a format may belong to another program. */
async function refuseForeign(source: ByteSource): Promise<void> {
  const bytes = Math.min(foreignHeadBytes, source.bytes);
  const error = foreignFormat(source.path, await source.read(0, bytes), await source.read(source.bytes - bytes, bytes));
  if (error !== null) throw error;
}

/** Checks that a part of a disk was not written by another system. Units: bytes. Errors: `unsupported`, with its name. */
export async function refuseForeignContent(
  disk: Disk,
  { start, bytes }: { readonly start: number; readonly bytes: number },
): Promise<void> {
  const error = foreignContent(disk.path, await disk.read(start, Math.min(foreignHeadBytes, bytes)));
  if (error !== null) throw error;
}

/** QEMU also accepts URLs and JSON here; those lead to the network. */
function backingPath(path: string, name: string): string {
  const file = name.startsWith('file:') ? name.slice('file:'.length) : name;
  if (/^[a-z][a-z0-9+.-]*:/i.test(file)) {
    throw damagedDisk(path, `it builds on ${JSON.stringify(name)}, and only files are read here`);
  }
  return isAbsolute(file) ? file : resolve(dirname(path), file);
}

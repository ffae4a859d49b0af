/** Files by path, in a folder or in a tar archive. */
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { guestPath, readFailed, undefinedIfMissing } from '@firstlight/files';
import { type Bytes, compressionOf, readTar, unpackedPath, unpackTar } from '@firstlight/tar';
import type { BlobCache } from './blob-cache.ts';
import { OciError } from './oci-error.ts';

/** The source of an image's files, for any number of reads. */
export interface FileSource {
  /** For a person: the path of the folder or archive. */
  readonly name: string;
  /** The bytes of a file. Errors: `invalid` when it does not exist. */
  readonly open: (path: string) => Promise<Bytes>;
  readonly has: (path: string) => Promise<boolean>;
  /** Removes temporary files. */
  readonly close: () => Promise<void>;
}

/** The files of a folder. Shape: requested paths are ours, or made from digests: none comes from the folder itself. */
export async function openFolder(dir: string): Promise<FileSource> {
  const found = await stat(dir).catch(undefinedIfMissing);
  if (found === undefined) throw notFound(dir, 'does not exist');
  if (!found.isDirectory()) throw notFound(dir, 'is not a folder');
  const isFile = async (path: string) => (await stat(join(dir, path)).catch(undefinedIfMissing))?.isFile() ?? false;
  return {
    name: dir,
    has: isFile,
    open: async (path) => {
      if (!(await isFile(path))) throw lacks(dir, path);
      return createReadStream(join(dir, path));
    },
    close: async () => undefined,
  };
}

/** The place of the content of an archive's file. */
type Place =
  | { readonly kind: 'file'; readonly path: string; readonly start: number; readonly bytes: number }
  | { readonly kind: 'symlink'; readonly target: string };

/**
 * The files of an archive. An unpacked archive is read in place; a packed one is unpacked into the cache until `close`.
 *
 * Errors: `not-found`; as `readTar`.
 */
export async function openArchive(path: string, cache: BlobCache, signal?: AbortSignal): Promise<FileSource> {
  const found = await stat(path).catch(undefinedIfMissing);
  if (found === undefined) throw notFound(path, 'does not exist');
  if (!found.isFile()) throw notFound(path, 'is not a file');
  const isPacked = compressionOf(await readHead(path)) !== 'none';
  const options = { archive: path, signal };
  const places = new Map<string, Place>();
  let temp: string | null = null;
  const close = async () => {
    if (temp !== null) await rm(temp, { recursive: true, force: true });
  };
  try {
    if (isPacked) {
      temp = await cache.makeTempDir();
      for (const entry of await unpackTar(createReadStream(path), temp, options)) {
        if (entry.kind === 'symlink') places.set(entry.path, entry);
        if (entry.kind !== 'file') continue;
        const at = entry.index === null ? '/dev/null' : unpackedPath(temp, entry.index);
        places.set(entry.path, { kind: 'file', path: at, start: 0, bytes: entry.bytes });
      }
    } else {
      for await (const entry of readTar(createReadStream(path), options)) {
        if (entry.kind === 'symlink') places.set(entry.path, entry);
        if (entry.kind === 'file')
          places.set(entry.path, { kind: 'file', path, start: entry.offset, bytes: entry.bytes });
        const same = entry.kind === 'link' ? places.get(entry.target) : undefined;
        if (same !== undefined) places.set(entry.path, same);
      }
    }
  } catch (thrown) {
    await close();
    throw thrown;
  }

  /** `docker save` links a layer that two images share. */
  function placeOf(asked: string): Extract<Place, { kind: 'file' }> | undefined {
    let at = guestPath(asked);
    for (let links = 0; links < 8; links++) {
      const place = places.get(at);
      if (place?.kind !== 'symlink') return place;
      at = guestPath(place.target.startsWith('/') ? place.target : `${at}/../${place.target}`);
    }
    return undefined;
  }

  return {
    name: path,
    close,
    has: async (asked) => placeOf(asked) !== undefined,
    open: async (asked) => {
      const place = placeOf(asked);
      if (place === undefined) throw lacks(path, asked);
      if (place.bytes === 0) return createReadStream('/dev/null');
      return createReadStream(place.path, { start: place.start, end: place.start + place.bytes - 1 });
    },
  };
}

/** The first bytes of a file, enough to identify its kind. */
export async function readHead(path: string, length = 512): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw readFailed(thrown, path);
  }
}

const notFound = (path: string, why: string) =>
  new OciError('not-found', `${path} ${why}.`, {
    hint: 'Check the path for a typing error.',
    subject: path,
  });

const lacks = (name: string, path: string) =>
  new OciError('invalid', `${name} is not a whole image: ${path} is missing.`, {
    hint: 'Save or copy the image again.',
    subject: name,
  });

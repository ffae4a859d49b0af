import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline as connect, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type FileTree, tempPathFor, writeFailed } from '@firstlight/files';
import { type Bytes, type WriteTarOptions, writeTar } from '@firstlight/tar';

/** Content by its digest, in a file. Units: `size` in bytes. */
export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly path: string;
}

/** A layer of an image. Shape: `diffId` is the digest of the archive before it was packed. */
export interface LayerBlob extends Blob {
  readonly diffId: string;
}

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** The path of a digest's blob below a folder of blobs. */
export const blobPath = (blobsDir: string, digest: string): string => join(blobsDir, digest.replace(':', '/'));

/**
 * Packs a tree into a layer below `blobsDir`. The same tree gives the same bytes with the same Node.js.
 *
 * Errors: as `writeTar`; `write-failed`; the signal's reason.
 */
export async function writeLayer(
  tree: FileTree,
  blobsDir: string,
  options: WriteTarOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<LayerBlob> {
  const plain = createHash('sha256');
  async function* hashed(source: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      plain.update(chunk);
      yield chunk;
    }
  }
  // A failure of the archive also fails the reader of the packed stream.
  const packed = connect(Readable.from(hashed(writeTar(tree, options))), createGzip({ level: 9 }), () => undefined);
  const blob = await writeBlob(packed, mediaTypes.layer, blobsDir, options.signal);
  return { ...blob, diffId: `sha256:${plain.digest('hex')}` };
}

/** Writes bytes as a blob below `blobsDir`, completely or not at all. Errors: `write-failed`; errors of the source. */
export async function writeBlob(
  source: Bytes | Readable,
  mediaType: string,
  blobsDir: string,
  signal?: AbortSignal | undefined,
): Promise<Blob> {
  const dir = join(blobsDir, 'sha256');
  const temporary = tempPathFor(join(dir, 'blob'));
  const hash = createHash('sha256');
  try {
    await mkdir(dir, { recursive: true });
    const readable = source instanceof Readable ? source : Readable.from(source);
    readable.on('data', (chunk: Uint8Array) => hash.update(chunk));
    await pipeline(readable, createWriteStream(temporary, { flags: 'wx', mode: 0o644 }), { signal });
    const digest = `sha256:${hash.digest('hex')}`;
    const path = blobPath(blobsDir, digest);
    await rename(temporary, path);
    const { size } = await stat(path);
    return { mediaType, digest, size, path };
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw writeFailed(thrown, dir, 'write a layer into');
  }
}

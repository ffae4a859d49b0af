import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isTempName, replaceFile, tempPathFor, undefinedIfMissing, writeFailed } from '@firstlight/files';
import { z } from 'zod';
import { openFolder } from '../file-source.ts';
import { maxManifestBytes } from '../manifest.ts';
import { OciError } from '../oci-error.ts';
import { readAll } from '../verify.ts';
import { blobPath, mediaTypes } from './blob.ts';
import type { ComposedImage } from './compose.ts';

/** The required fields of an image in a layout's index. */
const entrySchema = z.looseObject({ annotations: z.record(z.string(), z.string()).optional() });
const indexSchema = z.looseObject({ manifests: z.array(entrySchema) });
const tagName = 'org.opencontainers.image.ref.name';

/**
 * Adds an image to an OCI layout in `dir`, which is made if it does not exist. An image that had the tag loses it.
 *
 * Errors: `write-failed`; `unsupported` when `dir` holds something else; `invalid` when its index is no index.
 */
export async function addToLayout(dir: string, image: ComposedImage, tag: string): Promise<void> {
  const blobs = join(dir, 'blobs');
  try {
    const kept = (await readEntries(dir)).filter(({ annotations }) => annotations?.[tagName] !== tag);
    await mkdir(join(blobs, 'sha256'), { recursive: true });
    for (const { path, digest } of image.layers) await copyBlob(path, blobPath(blobs, digest));
    for (const { bytes, digest } of [image.config, image.manifest]) await write(blobPath(blobs, digest), bytes);
    await write(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const { mediaType, digest, size } = image.manifest;
    const entry = {
      ...{ mediaType, digest, size },
      platform: { os: 'linux', architecture: 'amd64' },
      annotations: { [tagName]: tag },
    };
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...kept, entry] };
    await write(join(dir, 'index.json'), JSON.stringify(index));
  } catch (thrown) {
    if (thrown instanceof OciError) throw thrown;
    throw writeFailed(thrown, dir, 'write an image into');
  }
}

const write = (path: string, content: string | Uint8Array) =>
  replaceFile(path, content, { mode: 0o644, durable: false });

/** The images of a layout; none for a folder that is empty or not there. */
async function readEntries(dir: string): Promise<z.output<typeof entrySchema>[]> {
  const names = (await readdir(dir).catch(undefinedIfMissing)) ?? [];
  // What an interrupted call has left is completed.
  if (names.every((name) => name === 'blobs' || name === 'oci-layout' || isTempName(name))) return [];
  const files = await openFolder(dir);
  if (!(await files.has('index.json'))) {
    throw new OciError('unsupported', `${dir} is not empty, and is no OCI layout.`, {
      hint: 'Name a new folder, or one that holds a layout.',
    });
  }
  try {
    const bytes = await readAll(await files.open('index.json'), maxManifestBytes, dir);
    return indexSchema.parse(JSON.parse(Buffer.from(bytes).toString())).manifests;
  } catch (cause) {
    throw new OciError('invalid', `${join(dir, 'index.json')} is not the index of an OCI layout.`, { cause });
  }
}

/** A copy of its own: whoever changes the layout changes no layer that is kept here. */
async function copyBlob(from: string, to: string): Promise<void> {
  const temporary = tempPathFor(to);
  try {
    await copyFile(from, temporary, constants.COPYFILE_FICLONE);
    await chmod(temporary, 0o644);
    await rename(temporary, to);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
}

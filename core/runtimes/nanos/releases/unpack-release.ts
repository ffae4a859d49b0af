import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readTar, type TarEntry } from '@firstlight/tar';
import { withFormatErrors } from '#core/store/from-format-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import { bootName, kernelName, klibPattern, klibsName, symbolsName } from './release-parts.ts';

/** A release has three files, 20 kernel libraries and a boot loader for UEFI, 20 MB in all. Units: bytes. */
const limits = { maxEntries: 10_000, maxBytes: 1024 ** 3, maxRatio: 300, ratioFromBytes: 256 * 1024 ** 2 };
const rootNames: readonly string[] = [kernelName, symbolsName, bootName];

/**
 * Unpacks the files that we use of a release's archive into `to`; skips the others.
 *
 * Errors: ARCHIVE_INVALID, PATH_ESCAPES, CANCELLED, DISK_FULL, STORE_UNUSABLE. `name` is the archive's for a person.
 */
export async function unpackRelease(
  archive: string,
  to: string,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  await withFormatErrors(() => unpack(archive, to, name, signal));
}

async function unpack(archive: string, to: string, name: string, signal: AbortSignal): Promise<void> {
  const taken = new Set<string>();
  for await (const entry of readTar(createReadStream(archive), { archive: name, limits, signal })) {
    const place = placeOf(entry.path);
    if (place === null || entry.kind === 'directory') continue;
    if (entry.kind !== 'file') throw notAFile(name, entry);
    if (taken.has(place)) throw twice(name, place);
    taken.add(place);
    await mkdir(dirname(join(to, place)), { recursive: true });
    await pipeline(entry.content, createWriteStream(join(to, place), { flags: 'wx' }), { signal });
  }
}

/**
 * The target path of a file of an archive; null for one that we do not use. The archive may have a folder around
 * everything.
 */
function placeOf(path: string): string | null {
  const parts = path.split('/').slice(1);
  const [last = '', parent] = parts.toReversed();
  if (parts.length <= 2 && rootNames.includes(last)) return last;
  if (parts.length <= 3 && parent === klibsName && klibPattern.test(last)) return `${klibsName}/${last}`;
  return null;
}

const notAFile = (archive: string, { path, kind }: TarEntry) =>
  new FirstlightError('ARCHIVE_INVALID', `${archive} cannot be unpacked: ${path} is a ${kind} in it, not a file.`, {
    details: { subject: archive },
  });

const twice = (archive: string, place: string) =>
  new FirstlightError('ARCHIVE_INVALID', `${archive} cannot be unpacked: it has ${place} twice.`, {
    details: { subject: archive },
  });

/** Disk images of other programs, which errors name by their format. */
import { basename } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { DiskError } from './disk-error.ts';
import { packedTar, type Sign, signs } from './foreign-signs.ts';

/** The number of first and last bytes of a file that identify its format: Btrfs begins after the first 64 KiB. */
export const foreignHeadBytes = 0x10080;
/** Of the first bytes, what is enough for the first block of a tar archive. */
const packedHeadBytes = 4096;

/**
 * The error for an image of another program, with the command that converts it; null for an unknown format.
 *
 * Shape: `head` and `tail` are the file's first and last `foreignHeadBytes`, or all of them.
 */
export function foreignFormat(path: string, head: Uint8Array, tail: Uint8Array): DiskError | null {
  const found = findSign(head, tail);
  if (found === undefined) return null;
  if (found.name.startsWith('a disk packed') && holdsTar(path, head))
    return unsupported(path, `It is a tar archive, ${found.name.slice('a disk '.length)}`, packedTar);
  return unsupported(path, `It is ${found.name}`, found.convert);
}

/**
 * The error for a disk, or a part of one, that another system wrote; null for all else. Shape: `head` has its first
 * `foreignHeadBytes`.
 */
export function foreignContent(path: string, head: Uint8Array): DiskError | null {
  const found = findSign(head, new Uint8Array());
  const isSystem = found !== undefined && 'command' in found.convert && found.convert.command === null;
  return isSystem ? unsupported(path, `It holds ${found.name}`, found.convert) : null;
}

const findSign = (head: Uint8Array, tail: Uint8Array): Sign | undefined =>
  signs.find(({ at, text }) => {
    const from = at < 0 ? Buffer.from(tail).subarray(at) : Buffer.from(head).subarray(at);
    return from.toString('latin1', 0, text.length) === text;
  });

/** Whether what is packed is a tar archive: by its content for gzip, by its name for packers that are not here. */
function holdsTar(path: string, head: Uint8Array): boolean {
  if (head[0] !== 0x1f) return /\.(?:tar\.\w+|t(?:xz|bz2?|zst|lz))$/i.test(path);
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: foreignHeadBytes * 64 };
    const first = gunzipSync(head.subarray(0, packedHeadBytes), options);
    return first.toString('latin1', 257, 262) === 'ustar';
  } catch {
    return false;
  }
}

/** The error for a sound image of an unsupported kind. */
export function unsupported(path: string, what: string, convert: Sign['convert'] = { format: 'qcow2' }): DiskError {
  const message = `${path} cannot be read here. ${what}.`;
  if ('command' in convert && convert.command === null) {
    const hint = 'It is the disk of another system. `firstlight import` takes a program, or a container image.';
    return new DiskError('unsupported', message, { hint, subject: path });
  }
  const name = basename(path);
  const command =
    'format' in convert ? `qemu-img convert -f ${convert.format} -O raw ${name} ${name}.raw` : convert.command?.(name);
  return new DiskError('unsupported', message, {
    hint: `Convert it first: ${command}`,
    subject: path,
  });
}

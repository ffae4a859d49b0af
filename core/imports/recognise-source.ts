/** Recognises the kind of a source by its content. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { looksLikeReference, parseReference, readHead } from '@firstlight/oci';
import { compressionOf, readTar } from '@firstlight/tar';
import { manifestName } from '#core/programs/ops/open-ops-package.ts';
import { FirstlightError } from '#shared/errors.ts';
import { toFileError } from '../store/store-error.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';

export type Source =
  | { readonly kind: 'elf' | 'ops-config' | 'ops-package'; readonly path: string }
  | { readonly kind: 'oci-image'; readonly reference: string };

/** What the first sector of a disk holds, and where: qcow2, VMDK, VHDX, QED, VHD, VDI, a boot record. */
const diskSigns: readonly (readonly [number, string])[] = [
  [0, 'QFI\xfb'],
  [0, 'KDMV'],
  [0, '# Disk DescriptorFile'],
  [0, 'vhdxfile'],
  [0, 'QED\0'],
  [0, 'conectix'],
  [0x40, '\x7f\x10\xda\xbe'],
  [510, '\x55\xaa'],
];

const kinds = 'a Linux program (ELF), an ops config.json, an ops package, or an OCI image';

/**
 * The kind of source that a text names. `cwd` is where a relative path begins; null: it must be absolute.
 *
 * Errors: NOT_FOUND; BAD_INPUT for any other source; as `readTar` for an archive.
 */
export async function recogniseSource(text: string, cwd: string | null, signal?: AbortSignal): Promise<Source> {
  if (looksLikeReference(text)) return { kind: 'oci-image', reference: text };
  if (text.includes('\0')) throw new FirstlightError('BAD_INPUT', 'A path has no zero byte.');
  const path = cwd === null ? text : resolve(cwd, text);
  const found = isAbsolute(path) ? await statOf(path) : undefined;
  if (found === undefined) return asReference(text, path);
  if (found.isDirectory()) return recogniseFolder(path);
  if (!found.isFile()) throw notKnown(path, 'it is not a file');
  const head = await readHead(path);
  if (Buffer.from(head.subarray(0, 4)).toString('latin1') === '\x7fELF') return { kind: 'elf', path };
  const text512 = Buffer.from(head).toString('latin1');
  if (text512.startsWith('#!')) {
    throw notKnown(
      path,
      'it is a script',
      'Import the program that runs it, and give the script in `files` and `args`.',
    );
  }
  if (compressionOf(head) !== 'none' || text512.slice(257, 262) === 'ustar') return recogniseArchive(path, signal);
  if (text512 === '') throw notKnown(path, 'it is empty');
  if (diskSigns.some(([at, sign]) => text512.startsWith(sign, at))) {
    const hint =
      'Import the program that is on it. `firstlight image info` says what a disk that was built here holds.';
    throw notKnown(path, 'it is the image of a disk', hint);
  }
  if (/^(?:\xef\xbb\xbf)?\s*(?:[{/]|$)/.test(text512)) return { kind: 'ops-config', path };
  throw notKnown(path, 'what it holds is nothing of these');
}

async function statOf(path: string) {
  try {
    return await stat(path).catch(undefinedIfMissing);
  } catch (thrown) {
    throw toFileError(thrown, 'look at', path);
  }
}

/** A registry's image may be named without a prefix; a missing path looks much the same. */
function asReference(text: string, path: string): Source {
  try {
    parseReference(text, '/');
    return { kind: 'oci-image', reference: text };
  } catch {
    throw new FirstlightError('NOT_FOUND', `${path} does not exist.`, {
      hint: `Name ${kinds}: oci:DIR, oci-archive:FILE, docker-archive:FILE, or docker://REGISTRY/NAME:TAG.`,
      details: { subject: path },
    });
  }
}

async function recogniseFolder(path: string): Promise<Source> {
  if ((await statOf(join(path, manifestName))) !== undefined) return { kind: 'ops-package', path };
  if ((await statOf(join(path, 'index.json'))) !== undefined) return { kind: 'oci-image', reference: `oci:${path}` };
  throw notKnown(path, 'the folder is neither an ops package nor an OCI layout');
}

async function recogniseArchive(path: string, signal?: AbortSignal): Promise<Source> {
  for await (const entry of readTar(createReadStream(path), { archive: path, signal })) {
    if (/^(\/[^/]+)?\/package\.manifest$/.test(entry.path)) return { kind: 'ops-package', path };
    if (entry.path === '/oci-layout') return { kind: 'oci-image', reference: `oci-archive:${path}` };
    if (entry.path === '/manifest.json') return { kind: 'oci-image', reference: `docker-archive:${path}` };
  }
  throw notKnown(path, 'the archive is neither an ops package nor an image');
}

const notKnown = (path: string, why: string, hint = `Name ${kinds}.`) =>
  new FirstlightError('BAD_INPUT', `${path} cannot be imported: ${why}.`, { hint, details: { subject: path } });

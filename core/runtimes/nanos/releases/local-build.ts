import { constants, copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FirstlightError } from '#shared/errors.ts';
import { toFileError } from '../../../store/store-error.ts';
import { namesIn, undefinedIfMissing } from '../../../store/write-atomic.ts';
import { bootName, kernelName, klibPattern, klibsName, symbolsName } from './release-parts.ts';
import { unpackRelease } from './unpack-release.ts';

/** The places of the parts in a folder. */
interface Places {
  readonly dir: string;
  readonly kernel: string;
  readonly symbols: string;
  readonly boot: string;
  readonly klibs: string;
}

/** The layout of an unpacked release, and of the output of Nanos' own build, in `output/` of the source tree. */
const flat: Omit<Places, 'dir'> = { kernel: kernelName, symbols: symbolsName, boot: bootName, klibs: klibsName };
const built = (top: string): Omit<Places, 'dir'> => ({
  kernel: join(top, 'platform/pc/bin', kernelName),
  symbols: join(top, 'platform/pc/bin', symbolsName),
  boot: join(top, 'platform/pc/boot', bootName),
  klibs: join(top, 'platform/pc/bin'),
});
const layouts = [flat, built('.'), built('output')];

/** A kernel with symbols has 12 MB. */
const maxPartBytes = 512 * 1024 ** 2;

/**
 * Copies a build of a person's, a directory or a tarball, into `to`.
 *
 * Errors: NOT_FOUND when there is nothing at `source`; RELEASE_INVALID, ARCHIVE_INVALID, PATH_ESCAPES; CANCELLED; DISK_FULL,
 * STORE_UNUSABLE.
 */
export async function takeLocalBuild(source: string, to: string, signal: AbortSignal): Promise<void> {
  const found = await stat(source).catch(undefinedIfMissing);
  if (found === undefined) {
    throw new FirstlightError('NOT_FOUND', `${source} does not exist.`, { hint: 'Check the path for a typing error.' });
  }
  await mkdir(to, { recursive: true });
  if (found.isDirectory()) await copyBuild(await findPlaces(source), to, signal);
  else if (found.isFile()) await unpackRelease(source, to, { name: source, signal });
  else throw new FirstlightError('BAD_INPUT', `${source} is neither a directory nor a file.`);
}

/**
 * The version that a path names, as `nanos-release-linux-0.1.54.tar.gz` and `~/.ops/0.1.54` do; null when it names no
 * version.
 */
export function versionIn(source: string): string | null {
  return /^(?:nanos-release-[a-z]+-)?(\d+\.\d+\.\d+)(?:\.tar(?:\.gz)?|\.tgz)?$/.exec(basename(source))?.[1] ?? null;
}

async function findPlaces(dir: string): Promise<Places> {
  for (const layout of layouts) {
    if ((await stat(join(dir, layout.kernel)).catch(undefinedIfMissing)) !== undefined) return { dir, ...layout };
  }
  throw new FirstlightError('RELEASE_INVALID', `${dir} is not a build of Nanos: it has no ${kernelName}.`, {
    hint: `Name a folder with ${kernelName}, ${bootName} and ${klibsName}, or a source tree of Nanos in which \`make\` was run.`,
    details: { subject: dir },
  });
}

async function copyBuild(places: Places, to: string, signal: AbortSignal): Promise<void> {
  const { dir, kernel, symbols, boot, klibs } = places;
  await copyPart(join(dir, kernel), join(to, kernelName));
  await copyPart(join(dir, symbols), join(to, symbolsName));
  await copyPart(join(dir, boot), join(to, bootName));
  for (const name of await namesIn(join(dir, klibs))) {
    signal.throwIfAborted();
    // Beside the libraries a build leaves `tls.dbg` and a folder `test`.
    const isLibrary = klibPattern.test(name) && (await stat(join(dir, klibs, name))).isFile();
    if (!isLibrary) continue;
    await mkdir(join(to, klibsName), { recursive: true });
    await copyPart(join(dir, klibs, name), join(to, klibsName, name));
  }
}

/** Copies a file; a missing one is left out. */
async function copyPart(from: string, to: string): Promise<void> {
  const found = await stat(from).catch(undefinedIfMissing);
  if (found === undefined) return;
  if (!found.isFile()) throw new FirstlightError('RELEASE_INVALID', `${from} is not a file.`);
  if (found.size > maxPartBytes)
    throw new FirstlightError('RELEASE_INVALID', `${from} is too large for a part of Nanos.`);
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (thrown) {
    throw toFileError(thrown, 'copy', from);
  }
}

/** The parts of a release of Nanos, by their names in its archive and in our cache. */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '#core/store/digest.ts';
import { FirstlightError } from '#shared/errors.ts';
import { namesIn, undefinedIfMissing } from '../../../store/write-atomic.ts';

export const kernelName = 'kernel.img';
/** The kernel with its symbols: only local builds have it. */
export const symbolsName = 'kernel.elf';
export const bootName = 'boot.img';
export const klibsName = 'klibs';
/** A kernel library's name. */
export const klibPattern = /^[a-z0-9_]{1,32}$/;

/** The paths of a release's files, with their lengths. Units: bytes. */
export type PartSizes = Readonly<Record<string, number>>;

/** An examined release. */
export interface CheckedParts {
  readonly files: PartSizes;
  /** sha256, in hex, of the files' names and contents: the same for a directory and a tarball of it. */
  readonly digest: string;
}

/** The ELF numbers of machines that Nanos is built for. */
const x86 = 62;
const machines: Readonly<Record<number, string>> = { 3: 'i386', [x86]: 'x86_64', 183: 'aarch64 (ARM)', 243: 'riscv64' };
const elfMagic = 0x7f454c46;
const classAt = 4;
const machineAt = 18;
const elfHeadBytes = 20;
/** An ARM kernel that is not an ELF has `ARM\x64` here. Source: Linux' arch/arm64/include/asm/image.h. */
const armMagicAt = 56;
const armMagic = 'ARM\x64';
/** A boot sector ends with these bytes. */
const bootMagicAt = 510;
const bootMagic = 0x55aa;

/**
 * Examines the parts of a release in `dir` and names them. `source` is a person's name for it.
 *
 * Errors: RELEASE_INVALID names the missing parts, the files that are not kernels, and the machine it was built for.
 */
export async function checkParts(dir: string, source: string): Promise<CheckedParts> {
  const klibs = (await namesIn(join(dir, klibsName))).sort().map((name) => `${klibsName}/${name}`);
  const files: Record<string, number> = {};
  for (const path of [kernelName, symbolsName, bootName, ...klibs]) {
    const found = await stat(join(dir, path)).catch(undefinedIfMissing);
    if (found !== undefined) files[path] = found.size;
  }
  if (files[kernelName] !== undefined) await checkMachine(dir, kernelName, source);
  const missing = [kernelName, bootName].filter((path) => files[path] === undefined);
  if (missing.length > 0) throw invalid(source, `it has no ${missing.join(' and no ')}`);
  for (const path of Object.keys(files).filter((path) => path !== kernelName && path !== bootName)) {
    await checkMachine(dir, path, source);
  }
  const boot = await readHead(join(dir, bootName), bootMagicAt + 2);
  if (boot.length < bootMagicAt + 2 || boot.readUInt16BE(bootMagicAt) !== bootMagic) {
    throw invalid(source, `its ${bootName} does not begin with a boot sector`);
  }
  return { files, digest: await digestOf(dir, files) };
}

async function checkMachine(dir: string, path: string, source: string): Promise<void> {
  const machine = machineOf(await readHead(join(dir, path), armMagicAt + armMagic.length));
  if (machine === null) throw invalid(source, `its ${path} is not an ELF file`);
  if (machine !== machines[x86])
    throw invalid(source, `its ${path} was built for ${machine}, not for ${machines[x86]}`);
}

/** The machine that a kernel or a kernel library was built for; null when its header names no machine. */
function machineOf(head: Buffer): string | null {
  if (head.length >= elfHeadBytes && head.readUInt32BE(0) === elfMagic) {
    const number = head.readUInt16LE(machineAt);
    const is64Bit = head[classAt] === 2;
    return is64Bit || number !== x86 ? (machines[number] ?? `machine ${number}`) : 'x86_64 in 32-bit form';
  }
  return head.toString('latin1', armMagicAt) === armMagic ? 'aarch64 (ARM)' : null;
}

async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(bytes);
    const { bytesRead } = await file.read(head, 0, bytes, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function digestOf(dir: string, files: PartSizes): Promise<string> {
  const whole = createHash('sha256');
  for (const path of Object.keys(files).sort()) {
    whole.update(`${path}\0${(await digestFile(join(dir, path))).sha256}\n`);
  }
  return whole.digest('hex');
}

const invalid = (source: string, why: string) =>
  new FirstlightError('RELEASE_INVALID', `${source} is not a release of Nanos that can be used: ${why}.`, {
    hint: `A release has ${kernelName}, ${bootName} and a folder ${klibsName}, built for x86_64.`,
    details: { subject: source },
  });

// The tools that build the guest, their options, and what each part of the build shares.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../script.mjs';

export const run = promisify(execFile);
export const guestDir = path.join(root, 'guest');

export const commonFlags = [
  '-std=gnu11',
  '-ffreestanding',
  '-nostdinc',
  '-fno-pic',
  '-fno-pie',
  '-mcmodel=small',
  '-mno-red-zone',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fomit-frame-pointer',
  '-fno-strict-aliasing',
  '-fno-delete-null-pointer-checks',
  '-fno-math-errno',
  '-march=x86-64',
  '-mtune=generic',
  '-ffunction-sections',
  '-fdata-sections',
];
// A loop in memcpy or strlen must not become a call of memcpy or strlen.
export const loopFlags = ['-fno-tree-loop-distribute-patterns'];

/** The path of the tool. Errors: throws an Error with the way to get it. */
function findTool(name, debianPackage) {
  for (const dir of (process.env.PATH ?? '').split(':')) {
    const file = path.join(dir, name);
    if (dir && existsSync(file)) return realpathSync(file);
  }
  throw new Error(
    `${name} is needed to build the guest kernel and was not found. On Debian: apt-get install ${debianPackage}`,
  );
}

export function tools() {
  return {
    gcc: findTool('gcc', 'gcc'),
    ld: findTool('ld', 'binutils'),
    nm: findTool('nm', 'binutils'),
    wasm2c: findTool('wasm2c', 'wabt'),
  };
}

export function sourcesIn(...dirs) {
  return dirs
    .flatMap((dir) => readdirSync(path.join(guestDir, dir), { withFileTypes: true }).map((entry) => ({ dir, entry })))
    .filter(({ entry }) => entry.isFile() && /\.(c|h|S|ld)$/.test(entry.name))
    .map(({ dir, entry }) => path.join(dir, entry.name))
    .sort();
}

/** The version of a tool, from its file's size and time: starting each tool would take longer than the whole check. */
export function toolStamp(file) {
  const { size, mtimeMs } = statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}

export function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
}

/** Moves a finished directory into place; another build may have finished first, with the same result. */
export async function publish(work, dir) {
  try {
    await rename(work, dir);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

export async function compile(gcc, source, object, flags) {
  const system = await gccInclude(gcc);
  await run(gcc, [
    ...commonFlags,
    ...flags,
    `-I${guestDir}/rt/include`,
    `-I${guestDir}/boot`,
    '-isystem',
    system,
    '-c',
    source,
    '-o',
    object,
  ]);
}

let gccIncludeDir;
/** gcc's own headers (stdint, stdarg): the only ones a freestanding program has. */
async function gccInclude(gcc) {
  gccIncludeDir ??= (await run(gcc, ['-print-file-name=include'])).stdout.trim();
  return gccIncludeDir;
}

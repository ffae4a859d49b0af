import { open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findProgram } from '#core/exec/launch.ts';
import type { Settings } from '#core/store/settings.ts';

/** The jailer that machines start through; without one, why not. Shape: `reason` follows "not jailed: ". */
export type JailerChoice = { readonly program: string } | { readonly program: null; readonly reason: string };

/** The value of FIRSTLIGHT_JAILER and of the setting `jailer` that starts machines without one. */
export const noJailer = 'none';
export const jailerHint = `FIRSTLIGHT_JAILER=${noJailer}, or the setting "jailer", starts Firecracker without its jailer.`;

/**
 * The jailer for this Firecracker: FIRSTLIGHT_JAILER, the setting `jailer`, the `jailer` beside it, PATH. Only root can
 * use one, and only for a program that needs no other file: a jail has no libraries.
 */
export async function findJailer(
  firecracker: string,
  settings: Pick<Settings, 'get'>,
  { env, uid }: { readonly env: NodeJS.ProcessEnv; readonly uid: number },
): Promise<JailerChoice> {
  const none = (reason: string): JailerChoice => ({ program: null, reason });
  if (uid !== 0) return none('it runs as you');
  const { FIRSTLIGHT_JAILER: byEnv } = env;
  const { jailer: bySetting } = await settings.get();
  const named = [byEnv, bySetting].find((value) => typeof value === 'string' && value !== '');
  if (named === noJailer) return none('FIRSTLIGHT_JAILER or the setting "jailer" says so');
  if (typeof named === 'string') return { program: named };
  const path = await realpath(firecracker).catch(() => null);
  // The start itself reports a program that is missing.
  if (path === null) return none(`there is no ${firecracker}`);
  const program = findProgram(['jailer'], { PATH: dirname(path) }) ?? findProgram(['jailer'], env);
  if (program === null) return none(`there is no \`jailer\` in ${dirname(path)} or on PATH`);
  if (await needsInterpreter(path)) return none(`${path} is not statically linked, as a jail requires`);
  return { program };
}

const elfMagic = Buffer.from('7f454c4602', 'hex');
const interpreterType = 3;
const headBytes = 4096;

/** True for a program that another file runs: a script, or one with shared libraries. Source: ELF-64, PT_INTERP. */
async function needsInterpreter(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer: head, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    if (bytesRead < 64 || !head.subarray(0, elfMagic.length).equals(elfMagic)) return true;
    const [at, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
    const starts = Array.from({ length: count }, (_, index) => at + index * size);
    return starts.some((start) => start + 4 <= bytesRead && head.readUInt32LE(start) === interpreterType);
  } finally {
    await file.close();
  }
}

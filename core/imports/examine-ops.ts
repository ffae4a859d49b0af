import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digestOf } from '@firstlight/oci';
import { type OpenPackageOptions, openOpsPackage } from '#core/programs/ops/open-ops-package.ts';
import { maxOpsConfigBytes } from '#core/programs/ops/parse-ops-config.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ImportWarning } from '#shared/model/import.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { bytes } from '#shared/model/units.ts';
import { toFileError } from '../store/store-error.ts';
import { examineElf } from './examine-elf.ts';
import { countFiles, type Examined, portIn } from './examined.ts';
import type { ImportRuntimes } from './import-runtimes.ts';

/**
 * An ops config.json, with the program `named` beside it. Its faults are among the problems, never thrown.
 *
 * Errors: BAD_INPUT when it is too long, or no runtime reads it; STORE_UNUSABLE when it cannot be read.
 */
export async function examineOpsConfig(path: string, runtimes: ImportRuntimes, named?: string): Promise<Examined> {
  const text = await readConfig(path);
  const { id, opsConfig } = await runtimes.ofOpsConfigs();
  const { config: made, extraFiles, problems, missing, problemOfProgram } = opsConfig.read(text, path, named);
  const program = made?.program ?? null;
  const elf = program === null ? null : await examineElf(program, id).catch(toFirstlightError);
  const all = [...problems];
  const isThere = !(elf instanceof FirstlightError);
  if (elf instanceof FirstlightError && program !== null) all.push(problemOfProgram(elf.message));
  const listed = await sizeOf(Object.values(made?.files ?? {}), dirname(path));
  const closure = isThere ? (elf?.found.closure ?? null) : null;
  return {
    found: {
      source: path,
      kind: 'ops-config',
      summary: 'ops configuration',
      program,
      args: made?.args ?? [],
      envNames: Object.keys(made?.env ?? {}).sort(),
      cwd: null,
      port: made?.port ?? null,
      files: {
        count: listed.count + (isThere ? (elf?.found.files.count ?? 0) : 0),
        bytes: bytes(listed.bytes + (isThere ? (elf?.found.files.bytes ?? 0) : 0)),
      },
      closure,
      missing: [...missing, ...(isThere ? (elf?.found.missing ?? []) : [])],
      warnings: isThere ? (elf?.found.warnings ?? []) : [],
      problems: all,
      digest: digestOf(Buffer.from(text)),
    },
    title: nameOf(path, program),
    config: made ?? { runtime: id },
    extraFiles,
  };
}

/** The name of the project. Most such files are called config.json, so the program's name is more telling. */
const nameOf = (path: string, program: string | null) =>
  program !== null
    ? basename(program)
    : basename(path) === 'config.json'
      ? basename(dirname(path))
      : basename(path, '.json');

async function readConfig(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > maxOpsConfigBytes) {
      throw new FirstlightError('BAD_INPUT', `${path} is longer than ${maxOpsConfigBytes} bytes.`, {
        hint: 'An ops config.json is far shorter: is this the right file?',
      });
    }
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw toFileError(thrown, 'read', path);
  }
}

/** The count and the size of the files and folders themselves. The content of a folder is counted when the image is built. */
async function sizeOf(paths: readonly string[], dir: string): Promise<{ count: number; bytes: number }> {
  let size = 0;
  for (const path of paths) {
    const found = await stat(join(path.startsWith('/') ? '' : dir, path)).catch(() => null);
    if (found?.isFile()) size += found.size;
  }
  return { count: paths.length, bytes: size };
}

/** An ops package. Errors: as `openOpsPackage`. */
export async function examineOpsPackage(
  path: string,
  runtime: RuntimeId,
  options: OpenPackageOptions,
): Promise<Examined> {
  const { tree, name, run, digest, problems, skipped } = await openOpsPackage(path, options);
  const port = run.port ?? portIn(run.args, run.env);
  const files = countFiles(tree);
  const warnings: ImportWarning[] = skipped.map((message) => ({ code: 'skipped', message, hint: null }));
  return {
    found: {
      source: path,
      kind: 'ops-package',
      summary: `ops package ${name}`,
      program: run.program,
      args: [...run.args],
      envNames: Object.keys(run.env).sort(),
      cwd: null,
      port,
      files: { count: files.count, bytes: bytes(files.bytes) },
      closure: null,
      missing: [],
      warnings,
      problems: [...problems],
      digest,
    },
    title: name,
    config: { runtime, package: path, port },
    extraFiles: {},
  };
}

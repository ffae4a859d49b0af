import { basename } from 'node:path';
import { type Closure, findFork, importsOf, isPartOfLibc, resolveClosure } from '@firstlight/elf';
import { forkWarnings } from '#core/programs/fork-warnings.ts';
import { digestOfFile } from '#core/store/digest.ts';
import type { ImportWarning } from '#shared/model/import.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { bytes } from '#shared/model/units.ts';
import type { Examined } from './examined.ts';

/** A server calls this, under any name of a library that it uses. */
const listens = new Set(['listen', 'uv_listen', 'accept', 'accept4']);
const defaultPort = 8080;

/**
 * A Linux program with its libraries from this host.
 *
 * Errors: as `resolveClosure`.
 */
export async function examineElf(path: string, runtime: RuntimeId): Promise<Examined> {
  const closure = await resolveClosure(path);
  const { program, interpreter, libraries, missing } = closure;
  const parts = [...(interpreter === null ? [] : [interpreter]), ...libraries];
  const total = parts.reduce((sum, part) => sum + part.bytes, 0);
  const port = (await mayListen(closure)) ? defaultPort : null;
  const warnings: ImportWarning[] = [
    ...closure.warnings.map((message) => ({ code: 'missing' as const, message, hint: null })),
  ];
  for (const { message } of forkWarnings(await findFork(closure))) warnings.push({ code: 'fork', message, hint: null });
  for (const { name, lookedIn } of missing) {
    const message = `${name} was not found in ${lookedIn.length === 1 ? lookedIn[0] : `${lookedIn.length} directories`}.`;
    warnings.push({
      code: 'missing',
      message,
      hint: 'Install the package that has it: an image cannot be built without.',
    });
  }
  return {
    found: {
      source: path,
      kind: 'elf',
      summary:
        interpreter === null
          ? 'Static Linux program'
          : `Linux program with ${libraries.length} ${libraries.length === 1 ? 'library' : 'libraries'}`,
      program: program.path,
      args: [],
      envNames: [],
      cwd: null,
      port,
      files: { count: parts.length + 1, bytes: bytes(total + program.bytes) },
      closure: {
        isStatic: interpreter === null,
        interpreter: interpreter?.path ?? null,
        libraries: libraries.map((library) => ({
          name: library.name,
          path: library.path,
          bytes: bytes(library.bytes),
        })),
        bytes: bytes(total),
      },
      missing: missing.map(({ name, neededBy }) => ({ name, neededBy: neededBy.join(', ') })),
      warnings,
      problems: [],
      digest: await digestOfFile(path),
    },
    title: basename(path),
    config: { runtime, program: path, port },
    extraFiles: {},
  };
}

/** False only where a program provably serves nothing: a static one may hide it. */
async function mayListen({ program, interpreter, libraries }: Closure): Promise<boolean> {
  if (interpreter === null) return true;
  for (const object of [program, ...libraries.filter(({ name }) => !isPartOfLibc(name))]) {
    if ((await importsOf(object, listens)).length > 0) return true;
  }
  return false;
}

/** Any Linux program of this machine. */
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { addClosureFile, closureToTree, resolveClosure } from '@firstlight/elf';
import { createFileTree } from '@firstlight/files';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { addSuggested, requireComplete, warningsOf } from './check-closure.ts';
import type { ProgramSource } from './source.ts';

/** A program in C that prints and ends did so in 14 MiB in each of 6 starts, and in 12 MiB in no start. */
const minMemoryMiB = 16;

/** The source for a project that names a program. Errors: NOT_FOUND. */
export async function programSource(config: ProjectConfig, projectDir: string): Promise<ProgramSource> {
  const named = resolve(projectDir, config.program ?? '');
  const path = await realpath(named).catch(undefinedIfMissing);
  if (path === undefined) {
    throw new FirstlightError('NOT_FOUND', `There is no program ${named}.`, {
      hint: 'Correct "program" in firstlight.json, or build the program first.',
      details: { subject: named },
    });
  }
  const stamp = await stat(path);
  return {
    // A rebuilt program may need other libraries.
    baseKey: JSON.stringify(['program', path, stamp.size, stamp.mtimeMs]),
    planBase: async () => {
      const closure = await resolveClosure(path);
      requireComplete(closure);
      const builder = createFileTree();
      closureToTree(closure, builder);
      addSuggested(closure, builder);
      // A program that is edited and rebuilt goes into the image itself.
      builder.remove(closure.program.realPath);
      const count = closure.libraries.length;
      const description =
        count === 0 ? `${basename(path)} needs no libraries` : `${count} libraries of ${basename(path)}`;
      return { tree: builder.tree, facts: { program: null, description, warnings: await warningsOf(closure) } };
    },
    own: async () => {
      const { size } = await stat(path);
      const builder = createFileTree();
      const file = { path, realPath: path, links: [], passed: [], hostPath: path, bytes: size };
      addClosureFile(builder, file);
      return {
        tree: builder.tree,
        program: path,
        command: [path],
        args: config.args ?? [],
        env: {},
        cwd: null,
        minMemoryMiB,
        warnings: [],
      };
    },
  };
}

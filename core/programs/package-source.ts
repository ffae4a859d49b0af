/** An ops package: its manifest's program, and its system root. */
import { resolve } from 'node:path';
import { createFileTree } from '@firstlight/files';
import type { Layout } from '#core/store/layout.ts';
import type { Problem } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { openOpsPackage } from './ops/open-ops-package.ts';
import type { ProgramSource } from './source.ts';
import { stampOfPath } from './stamp-path.ts';

/** As for any program; the needs of the package's program are unknown. */
const minMemoryMiB = 16;

/** The source for a project that names an ops package. Errors: NOT_FOUND. */
export async function packageSource(config: ProjectConfig, projectDir: string, layout: Layout): Promise<ProgramSource> {
  const path = resolve(projectDir, config.package ?? '');
  return {
    baseKey: JSON.stringify(['package', 2, path, await stampOfPath(path)]),
    planBase: async ({ signal }) => {
      const { tree, run, name, problems, skipped } = await openOpsPackage(path, { layout, signal });
      const left = skipped.map((message): Problem => ({ severity: 'warning', message }));
      const { program, args, env } = run;
      const started = { argv0: null, args: [...args], env: { ...env }, cwd: null };
      const warnings = [...problems, ...left];
      return { tree, facts: { program, description: `the package ${name}`, warnings, run: started } };
    },
    own: async (_bundle, { program, run }) => ({
      tree: createFileTree().tree,
      program: program ?? '',
      command: [program ?? ''],
      args: config.args ?? run?.args ?? [],
      env: run?.env ?? {},
      cwd: null,
      minMemoryMiB,
      warnings: [],
    }),
  };
}

/** A function, on Node.js. */
import { stat } from 'node:fs/promises';
import { closureToTree, resolveClosure } from '@firstlight/elf';
import { createFileTree } from '@firstlight/files';
import { runTool } from '#core/exec/run-tool.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { addBeside } from './add-beside.ts';
import { addSuggested, requireComplete, warningsOfRuntime } from './check-closure.ts';
import { findProgram, realPathOf } from './find-program.ts';
import type { ProgramSource, SourceOptions } from './source.ts';

const serverInGuest = '/firstlight/serve-function.cjs';
/** Node.js chooses the kind of module by this ending. */
const bundleInGuest = { cjs: '/firstlight/bundle.cjs', esm: '/firstlight/bundle.mjs' } as const;
/**
 * Hello on Node.js 20 answered in 96 MiB in each of 9 starts, in 92 in 4 of 7, and from 68 to 80 in none. It did in 64,
 * below which the kernel keeps less back for itself; a function that does more has no room there.
 */
const minMemoryMiB = 96;

/** The source for a function's project. Errors: NOT_FOUND without a Node.js. */
export async function functionSource(
  config: ProjectConfig,
  projectDir: string,
  { functionServerPath: serverPath, env }: SourceOptions,
): Promise<ProgramSource> {
  const node = await findProgram('node', config.node, projectDir, env);
  const port = config.port ?? 8080;
  return {
    // `node` may lead to another version's program tomorrow.
    baseKey: JSON.stringify(['function', node, await realPathOf(node), serverPath]),
    planBase: async () => {
      const closure = await resolveClosure(node);
      requireComplete(closure);
      const builder = createFileTree();
      closureToTree(closure, builder);
      addSuggested(closure, builder);
      const { size } = await stat(serverPath);
      builder.add(serverInGuest, { kind: 'file', content: { kind: 'host', path: serverPath }, bytes: size });
      const { stdout } = await runTool(node, ['--version']);
      const description = `Node.js ${stdout.trim().replace(/^v/, '')} and ${closure.libraries.length} libraries`;
      return {
        tree: builder.tree,
        facts: { program: closure.program.realPath, description, warnings: warningsOfRuntime(closure) },
      };
    },
    own: async (bundle, { program }) => {
      const builder = createFileTree();
      const data = Buffer.from(bundle.code);
      const bundlePath = bundleInGuest[bundle.format];
      builder.add(bundlePath, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
      const path = program ?? node;
      const warnings = await addBeside(builder, bundle.files ?? [], node);
      return {
        tree: builder.tree,
        program: path,
        command: [path, serverInGuest, bundlePath, String(port), bundle.config.name],
        args: config.args ?? [],
        env: {},
        cwd: null,
        minMemoryMiB,
        warnings,
      };
    },
  };
}

import type { Command } from 'commander';
import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { Lazily } from './command-types.ts';

interface Adding {
  readonly addTo: (parent: Command, usage: string, description: string, examples: readonly string[]) => Command;
  readonly lazily: Lazily;
}

/** Adds the commands for the kernels of one runtime, or (null) of the runtime that `--runtime` names. */
export function addKernelCommands(
  parent: Command,
  definition: RuntimeDefinition | null,
  { addTo, lazily }: Adding,
): void {
  const name = parent.name();
  const load = () => import('./commands/kernel.ts');
  const add = (usage: string, description: string, examples: readonly string[]): Command => {
    const command = addTo(
      parent,
      usage,
      description,
      examples.map((example) => `${name} ${example}`),
    );
    if (definition === null) command.option('--runtime <id>', 'whose kernel (default: the only runtime that has any)');
    return command;
  };
  const ofRuntime = <Options extends { readonly runtime?: RuntimeId }>(options: Options): Options =>
    definition === null ? options : { ...options, runtime: definition.id };
  add('install [version]', 'Download an official release (default: the newest), or take a build of your own.', [
    'install',
    'install 0.1.54 --accept',
    'install --from ./output --as mine',
  ])
    .option('--from <path>', definition?.kernels?.localBuild ?? 'a directory or tarball with a build')
    .option('--as <name>', 'what to call a build of your own')
    .option('--accept', 'say that you read the notice about binary releases')
    .action(
      lazily(async () => {
        const { installKernel } = await load();
        return (session, version, options) => installKernel(session, version, ofRuntime(options));
      }),
    );
  add('list', 'List the releases on this machine.', ['list']).action(
    lazily(async () => {
      const { listKernels } = await load();
      return (session, options) => listKernels(session, ofRuntime(options));
    }),
  );
  add('use <version>', 'Use a release for what names none itself.', ['use 0.1.54']).action(
    lazily(async () => {
      const { useKernel } = await load();
      return (session, version, options) => useKernel(session, version, ofRuntime(options));
    }),
  );
  add('rm <version>', 'Remove a release from this machine.', ['rm 0.1.53']).action(
    lazily(async () => {
      const { removeKernel } = await load();
      return (session, version, options) => removeKernel(session, version, ofRuntime(options));
    }),
  );
}

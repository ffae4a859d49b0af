import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

/** Errors: BAD_INPUT for a project whose runtime knows no arguments. */
export function requireArgs(
  name: string,
  config: Pick<ProjectConfig, 'runtime'> | null,
  definitions: readonly Pick<RuntimeDefinition, 'id' | 'runsPrograms' | 'programKeys'>[],
): void {
  const definition = definitions.find(({ id }) => id === config?.runtime);
  if (definition === undefined || definition.runsPrograms || definition.programKeys?.includes('args')) return;
  throw new FirstlightError(
    'BAD_INPUT',
    `${name} cannot be given arguments: the runtime "${definition.id}" has none.`,
    {
      hint: 'Run it without --arg.',
      details: { subject: 'args' },
    },
  );
}

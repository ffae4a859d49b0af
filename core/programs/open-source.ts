import { withFormatErrors } from '#core/store/from-format-error.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { functionSource } from './function-source.ts';
import { imageSource } from './image-source.ts';
import { packageSource } from './package-source.ts';
import { programSource } from './program-source.ts';
import { pythonSource } from './python-source.ts';
import type { ProgramSource, SourceOptions } from './source.ts';

/** The source of a project's program, as firstlight.json names it. Errors: NOT_FOUND, BAD_INPUT; as each source. */
export async function openSource(
  config: ProjectConfig,
  projectDir: string,
  options: SourceOptions,
): Promise<ProgramSource> {
  const source = await withFormatErrors(() => chooseSource(config, projectDir, options));
  return {
    ...source,
    planBase: (...inputs) => withFormatErrors(() => source.planBase(...inputs)),
    own: (...inputs) => withFormatErrors(() => source.own(...inputs)),
  };
}

async function chooseSource(config: ProjectConfig, projectDir: string, options: SourceOptions): Promise<ProgramSource> {
  if (config.program !== undefined) return await programSource(config, projectDir);
  if (config.python !== undefined) return await pythonSource(config, projectDir, options.env);
  if (config.image !== undefined) return await imageSource(config, projectDir, options);
  if (config.package !== undefined) return await packageSource(config, projectDir, options.layout);
  return await functionSource(config, projectDir, options);
}

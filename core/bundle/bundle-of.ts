import type { Bundle } from '#core/runtime/bundle.ts';
import { sha256 } from '#core/store/digest.ts';
import type { Json } from '#shared/model/json.ts';
import type { Project, ProjectConfig } from '#shared/model/project.ts';
import { bundleIdSchema } from '#shared/model/units.ts';

/** The bundle of compiled code, named by its content and by what `inImage` has of the configuration. */
export function bundleOf(
  project: Project,
  config: ProjectConfig,
  inImage: readonly Json[],
  { code, format, sourceMap, files = [] }: Pick<Bundle, 'code' | 'format' | 'sourceMap' | 'files'>,
  inputs: Bundle['inputs'],
  warnings: Bundle['warnings'],
  version: string,
): Bundle {
  const id = bundleIdSchema.parse(
    sha256(
      JSON.stringify([
        ...[version, ...inImage, sha256(code), sha256(sourceMap)],
        ...(files.length > 0 ? [files, inputs] : []),
      ]),
    ),
  );
  return {
    id,
    config,
    code,
    format,
    sourceMap,
    projectDir: project.dir,
    inputs,
    ...(files.length > 0 && { files }),
    warnings,
  };
}

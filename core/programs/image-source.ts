/** An OCI image: its files, and the program that it starts. */
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { parseReference } from '@firstlight/oci';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { openOciImage } from './oci/open-oci-image.ts';
import { defaultPath } from './oci/resolve-command.ts';
import type { ProgramSource, SourceOptions } from './source.ts';
import { stampOfPath } from './stamp-path.ts';

/** As for any program; the needs of the image's program are unknown. */
const minMemoryMiB = 16;

/** The source for a project that names an OCI image. Errors: BAD_INPUT for the reference. */
export async function imageSource(
  config: ProjectConfig,
  projectDir: string,
  { layout, env: hostEnv }: Pick<SourceOptions, 'layout' | 'env'>,
): Promise<ProgramSource> {
  const { image = '', args } = config;
  return {
    // The number changes when the same image gives other files or facts.
    baseKey: JSON.stringify(['image', 4, image, await stampOf(image, projectDir)]),
    planBase: async ({ signal, progress }) => {
      const opened = await openOciImage(image, {
        layout,
        cwd: projectDir,
        env: hostEnv,
        signal,
        ...(progress !== undefined && { progress }),
      });
      const { run, tree, reference, layers, skipped } = opened;
      const words = [
        ...run.warnings.map(({ message, hint }) => [message, hint].filter((words) => words !== null).join(' ')),
        ...skipped,
      ];
      const warnings = words.map((message): Problem => ({ severity: 'warning', message }));
      const description = `${reference}, ${layers} layers`;
      const { program, argv0, args: given, home, cwd } = run;
      const env = { PATH: defaultPath, ...(home !== null && { HOME: home }), ...run.env };
      const started = { argv0, args: [...given], env, cwd };
      return { tree, facts: { program, description, warnings, run: started } };
    },
    own: async (_bundle, { program, run, warnings }) => {
      if (program === null) {
        throw new FirstlightError('BAD_INPUT', `The image ${image} starts no program that can run by itself.`, {
          hint: warnings.map(({ message }) => message).join(' '),
          details: { subject: image },
        });
      }
      return {
        tree: createFileTree().tree,
        program,
        // Many programs in one (busybox) and Python's environments depend on the name that they are called by.
        command: [run?.argv0 ?? program],
        args: args ?? run?.args ?? [],
        env: run?.env ?? {},
        cwd: run?.cwd ?? null,
        minMemoryMiB,
        warnings: [],
      };
    },
  };
}

/** A stamp that changes with an image on this machine. An image of a registry is named by its reference. */
async function stampOf(image: string, cwd: string): Promise<string> {
  const reference = parseReference(image, cwd);
  if (reference.kind === 'registry') return '';
  return await stampOfPath(reference.kind === 'layout' ? join(reference.path, 'index.json') : reference.path);
}

import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { formerSections, type KnownRuntime, parseConfig } from '#core/config/parse-config.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import { type MigratedConfig, migrateConfig } from '#shared/migrate-config.ts';
import { configFileName } from '#shared/model/project.ts';
import { readText, writeText } from './project-files.ts';

export interface Migration extends MigratedConfig {
  readonly path: string;
  readonly before: string;
}

/**
 * The firstlight.json of a project in its present form, written in place of the old one unless `dryRun`.
 *
 * Errors: NOT_FOUND; PROJECT_INVALID for a file that is not JSON, or whose present form would have an error; CONFLICT
 * for a key that is in both places, or a file that another program changes in that time; DISK_FULL.
 */
export async function migrateProject(
  dir: string,
  { runtimes, dryRun }: { readonly runtimes: readonly KnownRuntime[]; readonly dryRun: boolean },
): Promise<Migration> {
  const root = await realpath(dir).catch(undefinedIfMissing);
  if (root === undefined) {
    throw new FirstlightError('NOT_FOUND', `${dir} does not exist.`, {
      hint: `Name the folder that has the ${configFileName}.`,
      details: { subject: dir },
    });
  }
  const { text: before, revision } = await readText(root, configFileName);
  const old = parseConfig(before, runtimes);
  const migrated = migrateConfig(before, formerSections(runtimes));
  if (old.config === null && migrated.moved.length === 0) throw invalid('is not valid', dir, old.problems);
  // A program that the runtime did not run had no effect in its old place, but has one now.
  const { config, problems } = parseConfig(migrated.text, runtimes);
  if (old.config !== null && config === null) throw invalid('would not be valid in its present form', dir, problems);
  if (!dryRun && migrated.moved.length > 0) await writeText(root, configFileName, migrated.text, revision);
  return { path: join(dir, configFileName), before, ...migrated };
}

function invalid(words: string, dir: string, problems: readonly Problem[]): FirstlightError {
  const first = problems.find(({ severity }) => severity === 'error');
  return new FirstlightError('PROJECT_INVALID', `${configFileName} ${words}: ${first?.message ?? 'it has errors.'}`, {
    hint: `Correct ${configFileName}, then migrate it. Nothing was written.`,
    details: { problems, subject: dir },
  });
}

/** The parts of a function's configuration that several features read. */
import { type Project, type RuntimeId, type RuntimeInfo, runtimeIdSchema } from '#shared/model/project.ts';
import { readConfig } from './config-text.ts';
import type { Doc } from './session.ts';

/** The runtime that the next run is built for: from firstlight.json as it is being edited, else as it was read. */
export function runtimeOf(project: Project, doc: Doc | undefined): RuntimeId {
  const typed = doc?.status === 'ready' ? readConfig(doc.text)?.runtime : undefined;
  const named = runtimeIdSchema.safeParse(typed);
  return named.success ? named.data : (project.config?.runtime ?? '');
}

/** The keys of the sections of firstlight.json that had the keys of a program in older files. */
export const formerSections = (runtimes: readonly RuntimeInfo[]): string[] =>
  runtimes.filter(({ options }) => options?.hadProgramKeys).map(({ id }) => id);

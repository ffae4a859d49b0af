import type { JSONPath } from 'jsonc-parser';
import { migrateConfig } from '#shared/migrate-config.ts';
import type { Json } from '#shared/model/json.ts';
import { type Project, type RuntimeId, type RuntimeInfo, runtimeIdSchema } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { BuildActions } from './builds.ts';
import { configPath, readConfig, setInConfig } from './config-text.ts';
import { report, type StudioContext } from './context.ts';
import type { DocActions } from './documents.ts';
import { lacksKernel, showReleases } from './kernels.ts';
import { type Doc, docKey } from './session.ts';

export interface ConfigActions {
  /** Reads firstlight.json unless it is open already. */
  readonly load: (projectId: ProjectId) => Promise<void>;
  /** Sets a value in the text as it is being edited, or (undefined) takes it out; saving is up to the person. */
  readonly set: (projectId: ProjectId, path: JSONPath, value: Json | undefined) => void;
  /** Moves the keys of an older file to their present places in the text as it is being edited. */
  readonly migrate: (projectId: ProjectId) => void;
  /** Writes the runtime into firstlight.json, saves that file, and builds. */
  readonly chooseRuntime: (projectId: ProjectId, runtime: RuntimeId) => Promise<void>;
}

export function createConfigActions(context: StudioContext, docs: DocActions, builds: BuildActions): ConfigActions {
  const { session } = context;
  const load = (projectId: ProjectId) => docs.load(projectId, configPath);

  const set: ConfigActions['set'] = (projectId, path, value) => {
    const key = docKey(projectId, configPath);
    const doc = session.getState().docs[key];
    if (doc?.status === 'ready') docs.edit(key, setInConfig(doc.text, path, value));
  };

  const migrate: ConfigActions['migrate'] = (projectId) => {
    const key = docKey(projectId, configPath);
    const doc = session.getState().docs[key];
    if (doc?.status !== 'ready') return;
    try {
      docs.edit(key, migrateConfig(doc.text, formerSections(session.getState().runtimes)).text);
    } catch (thrown) {
      report(context, thrown);
    }
  };

  return {
    load,
    set,
    migrate,
    chooseRuntime: async (projectId, runtime) => {
      const key = docKey(projectId, configPath);
      await load(projectId);
      const doc = session.getState().docs[key];
      if (doc === undefined || doc.status !== 'ready') {
        if (doc?.error != null) report(context, doc.error);
        return;
      }
      const before = readConfig(doc.text);
      if (before === null) return docs.open(projectId, configPath);
      // What was said only to be usual there: the new runtime has another usual memory.
      const { runtimes } = session.getState();
      if (before.memoryMiB === usualMemory(before.runtime, runtimes)) set(projectId, ['memoryMiB'], undefined);
      set(projectId, ['runtime'], runtime);
      if (!(await docs.save(key))) return docs.open(projectId, configPath);
      if (lacksKernel(session.getState(), runtime)) showReleases(context, runtime);
      else await builds.build(projectId);
    },
  };
}

/** The memory of a function that says nothing of it. Units: MiB; undefined for what is no runtime. */
const usualMemory = (runtime: Json | undefined, runtimes: readonly RuntimeInfo[]): number | undefined =>
  runtimes.find(({ id, isDefault }) => (runtime === undefined ? isDefault : id === runtime))?.defaultMemoryMiB;

/** The runtime that the next run is built for: what firstlight.json says as it is being edited, else as it was read. */
export function runtimeOf(project: Project, doc: Doc | undefined): RuntimeId {
  const typed = doc?.status === 'ready' ? readConfig(doc.text)?.runtime : undefined;
  const named = runtimeIdSchema.safeParse(typed);
  return named.success ? named.data : (project.config?.runtime ?? '');
}

/** The keys of the sections of firstlight.json that had the keys of a program in older files. */
export const formerSections = (runtimes: readonly RuntimeInfo[]): string[] =>
  runtimes.filter(({ options }) => options?.hadProgramKeys).map(({ id }) => id);

import type { JSONPath } from 'jsonc-parser';
import { migrateConfig } from '#shared/migrate-config.ts';
import type { Json } from '#shared/model/json.ts';
import type { RuntimeId, RuntimeInfo } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { configPath, readConfig, setInConfig } from '../../state/config-text.ts';
import { report, type StudioContext } from '../../state/context.ts';
import { formerSections } from '../../state/function-config.ts';
import { lacksKernel, showReleases } from '../../state/kernels.ts';
import { type DocKey, docKey } from '../../state/session.ts';

export interface ConfigActions {
  /** Reads firstlight.json unless it is open already. */
  readonly load: (projectId: ProjectId) => Promise<void>;
  /** Sets a value in the text as it is being edited, or (undefined) removes it; the person saves the text. */
  readonly set: (projectId: ProjectId, path: JSONPath, value: Json | undefined) => void;
  /** Moves the keys of an older file to their present places in the text as it is being edited. */
  readonly migrate: (projectId: ProjectId) => void;
  /** Writes the runtime into firstlight.json, saves that file, and builds. */
  readonly chooseRuntime: (projectId: ProjectId, runtime: RuntimeId) => Promise<void>;
}

/** The dependencies on the features that own files and builds. */
export interface ConfigNeeds {
  readonly loadFile: (projectId: ProjectId, path: string) => Promise<void>;
  readonly openFile: (projectId: ProjectId, path: string) => void;
  readonly edit: (key: DocKey, text: string) => void;
  readonly save: (key: DocKey) => Promise<boolean>;
  readonly build: (projectId: ProjectId) => Promise<void>;
}

export function createConfigActions(context: StudioContext, needs: ConfigNeeds): ConfigActions {
  const { session } = context;
  const load = (projectId: ProjectId) => needs.loadFile(projectId, configPath);

  const set: ConfigActions['set'] = (projectId, path, value) => {
    const key = docKey(projectId, configPath);
    const doc = session.getState().docs[key];
    if (doc?.status === 'ready') needs.edit(key, setInConfig(doc.text, path, value));
  };

  const migrate: ConfigActions['migrate'] = (projectId) => {
    const key = docKey(projectId, configPath);
    const doc = session.getState().docs[key];
    if (doc?.status !== 'ready') return;
    try {
      needs.edit(key, migrateConfig(doc.text, formerSections(session.getState().runtimes)).text);
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
      if (before === null) return needs.openFile(projectId, configPath);
      // A value equal to the old runtime's default is removed: the new runtime has another default memory.
      const { runtimes } = session.getState();
      if (before.memoryMiB === usualMemory(before.runtime, runtimes)) set(projectId, ['memoryMiB'], undefined);
      set(projectId, ['runtime'], runtime);
      if (!(await needs.save(key))) return needs.openFile(projectId, configPath);
      if (lacksKernel(session.getState(), runtime)) showReleases(context, runtime);
      else await needs.build(projectId);
    },
  };
}

/** The default memory of a function. Units: MiB; undefined for an unknown runtime. */
const usualMemory = (runtime: Json | undefined, runtimes: readonly RuntimeInfo[]): number | undefined =>
  runtimes.find(({ id, isDefault }) => (runtime === undefined ? isDefault : id === runtime))?.defaultMemoryMiB;

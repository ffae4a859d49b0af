import type { KnownRuntime } from '#core/config/parse-config.ts';
import type { ForeignConfig } from '#core/runtime/foreign-config.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project, RuntimeId } from '#shared/model/project.ts';

/** A runtime as the importers know it. */
export interface ImportRuntime extends KnownRuntime {
  readonly opsConfig?: (() => Promise<ForeignConfig>) | undefined;
}

/** The runtimes that an imported project can run on. */
export interface ImportRuntimes {
  /** The first that runs programs. Errors: BAD_INPUT when none does. */
  readonly ofPrograms: () => RuntimeId;
  /** The first that reads ops' config.json. Errors: BAD_INPUT when none does. */
  readonly ofOpsConfigs: () => Promise<{ readonly id: RuntimeId; readonly opsConfig: ForeignConfig }>;
  /** The writer of ops' config.json for a project. Errors: BAD_INPUT for a project of a runtime without one. */
  readonly writerOf: (project: Project) => Promise<ForeignConfig>;
}

export function createImportRuntimes(runtimes: readonly ImportRuntime[]): ImportRuntimes {
  const reading = runtimes.find(({ opsConfig }) => opsConfig !== undefined);
  return {
    ofPrograms: () => {
      const running = runtimes.find(({ runsPrograms }) => runsPrograms);
      if (running === undefined) throw noRuntime('runs programs');
      return running.id;
    },
    ofOpsConfigs: async () => {
      const opsConfig = await reading?.opsConfig?.();
      if (reading === undefined || opsConfig === undefined) throw noRuntime('reads an ops config.json');
      return { id: reading.id, opsConfig };
    },
    writerOf: async ({ name, config }) => {
      const own = config === null ? reading : runtimes.find(({ id }) => id === config.runtime);
      const writer = await own?.opsConfig?.();
      if (writer !== undefined) return writer;
      throw new FirstlightError(
        'BAD_INPUT',
        `${name} cannot be written as an ops config.json: its runtime is ${config?.runtime}.`,
        { hint: reading === undefined ? undefined : `ops starts what has the runtime ${reading.id}.` },
      );
    },
  };
}

const noRuntime = (what: string) => new FirstlightError('BAD_INPUT', `No runtime of this engine ${what}.`);

import type { Layout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import type { EventListener } from '#shared/contract/index.ts';
import type { KernelWords } from '#shared/model/kernel.ts';
import type { ProgramKey } from '#shared/model/program.ts';
import type { ProjectConfig, RuntimeId, RuntimeInfo } from '#shared/model/project.ts';
import { type RuntimeOptions, writeOptionsSchema } from '#shared/model/runtime-options.ts';
import type { RuntimeCheck } from './check.ts';
import type { RuntimeConsole } from './console.ts';
import type { ForeignConfig } from './foreign-config.ts';
import type { HostRates } from './host-rates.ts';
import type { RuntimeImages } from './images.ts';
import type { RuntimeKernels } from './kernels.ts';
import type { RuntimeMachines } from './machines.ts';
import type { RuntimeSessions } from './session.ts';
import type { VolumeProvider } from './volume.ts';

/** A runtime that is set up: its images, machines, sessions and consoles. */
export interface Runtime extends RuntimeImages, RuntimeMachines, RuntimeSessions, RuntimeConsole {
  readonly id: RuntimeId;
  /** The doctor's checks for this runtime, in this order. */
  readonly checks?: readonly RuntimeCheck[];
  /** The releases of its kernel, for a runtime whose definition has `kernels`. */
  readonly kernels?: RuntimeKernels;
  /** Ends the runtime's own processes and threads. */
  readonly close?: () => Promise<void>;
}

/** The parts of the engine that a runtime may use. */
export interface RuntimeContext {
  readonly layout: Layout;
  readonly resources: Resources;
  readonly volumes: VolumeProvider;
  readonly rates: HostRates;
  readonly env: NodeJS.ProcessEnv;
  readonly emit: EventListener;
  readonly log: (line: string) => void;
}

/** A registered runtime: its description for a person, and its set-up. */
export interface RuntimeDefinition {
  readonly id: RuntimeId;
  readonly title: string;
  /** One or two sentences that describe it and the programs it runs. */
  readonly description: string;
  /** Memory of an instance whose configuration names none. Units: MiB. */
  readonly defaultMemoryMiB: number;
  /** False for a runtime that runs functions only. */
  readonly runsPrograms: boolean;
  /** The keys of a program that its functions use too, where it runs functions only. Default: none. */
  readonly programKeys?: readonly ProgramKey[];
  /** Its own section of `firstlight.json`, which has its id as the key. */
  readonly options?: RuntimeOptions;
  /** Its texts about the releases of its kernel, where a person installs and chooses them. */
  readonly kernels?: KernelWords;
  /** The globals of a handler, for an editor: those of Node.js, or declarations of the runtime's own. */
  readonly handlerGlobals?: 'node' | (() => Promise<string>);
  /** True when its kernel prints diagnostics among the output of a program with this configuration. */
  readonly printsDiagnostics?: (config: ProjectConfig) => boolean;
  /** ops' config.json, for a runtime whose guests ops starts too. */
  readonly opsConfig?: () => Promise<ForeignConfig>;
  /**
   * Sets it up; nothing begins before it is needed. The code is loaded here: a mere list of runtimes needs none of it.
   */
  readonly create: (context: RuntimeContext) => Promise<Runtime>;
}

/** Runtimes as `runtimes:list` gives them. Shape: the first one is the default. */
export const describeRuntimes = (definitions: readonly RuntimeDefinition[]): RuntimeInfo[] =>
  definitions.map(({ id, title, description, defaultMemoryMiB, runsPrograms, options, kernels }, index) => ({
    id,
    title,
    description,
    defaultMemoryMiB,
    runsPrograms,
    options:
      options === undefined
        ? null
        : { ...options, schema: writeOptionsSchema(options.schema), groups: [...options.groups] },
    kernels: kernels ?? null,
    isDefault: index === 0,
  }));

import type { Runtime } from '#core/runtime/runtime.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Accelerator } from '#core/vmm/accelerator.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import type { RuntimeId } from '#shared/model/project.ts';

/** The parts of the engine that a deploy uses. */
export interface DeployContext {
  readonly layout: Layout;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly supervisorPath: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  /** The git commit that is checked out around a folder, or null. */
  readonly findCommit: (dir: string) => Promise<string | null>;
  /** The time that trouble may last before a rollout counts as failed. Units: ms. */
  readonly graceMs: number;
  /** The accelerator of a VMM, whose findings are kept under a name. */
  readonly makeAccelerator: (vmm: Vmm, name: string) => Accelerator;
}

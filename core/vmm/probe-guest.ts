import type { Layout } from '#core/store/layout.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { type Machine, plainMachine } from './machine.ts';
import { makeReadableCopy } from './readable-copy.ts';

/**
 * A guest that represents a runtime's guests in a probe: it runs that runtime's own kernel, and prints without a
 * function.
 */
export interface ProbeGuest {
  /**
   * The guest's name: runtimes with the same name share findings, and another name gets its own probe.
   * Shape: lower-case letters, digits and dashes.
   */
  readonly name: string;
  /** Errors: KERNEL_MISSING, STORE_UNUSABLE; an error of it makes the outcome of the probe `refused`. */
  readonly makeMachine: (accel: Accel, makeDiskDir: () => Promise<string>) => Promise<Machine>;
  /** True for output that only a running kernel prints. Default: any byte. */
  readonly isMarker?: (chunk: Uint8Array) => boolean;
}

/** An image that is about to be started. */
export interface ProbedImage {
  readonly path: string;
  readonly config: ProjectConfig;
}

/** A guest of 32 MiB whose kernel needs no disk. */
export function kernelProbeGuest(layout: Layout, name: string, kernelPath: string): ProbeGuest {
  return {
    name,
    makeMachine: async (accel) => {
      const path = await makeReadableCopy(layout, kernelPath);
      return plainMachine({ accel, memoryMiB: 32, vcpus: 1 }, { kernel: { path, cmdline: '' } });
    },
  };
}

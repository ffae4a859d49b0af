/** Bakes functions for tests; one baker and one kernel for a whole test file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildGuest } from '../../build/guest.mjs';
import type { ImageNetwork } from '../../core/runtimes/ember/image.ts';
import { type BakedImage, type Baker, createBaker } from '../../core/runtimes/ember/index.ts';
import { Machine, type MachineOptions } from './machine.ts';

export class Functions {
  readonly baker: Baker = createBaker();
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'ember-images-'));
  readonly #machines: Machine[] = [];
  #count = 0;

  async bake(
    bundleCode: string,
    memoryMiB = 64,
    env: Record<string, string> = {},
    network?: ImageNetwork,
  ): Promise<BakedImage> {
    const built = await buildGuest({ log: console.error });
    const kernelPath = network === undefined ? built.kernelPath : (built.networkKernelPath ?? '');
    const outPath = path.join(this.#dir, `${++this.#count}.elf`);
    return this.baker.bake({ bundleCode, env, memoryMiB, kernelPath, outPath, network });
  }

  /** Starts a machine for the function; its HELLO has not been read. */
  async boot(
    bundleCode: string,
    options: Partial<MachineOptions> & { env?: Record<string, string>; network?: ImageNetwork } = {},
  ): Promise<Machine> {
    const image = await this.bake(bundleCode, options.memoryMiB, options.env, options.network);
    return this.start({ image: image.path, ...options });
  }

  async start(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    this.#machines.push(machine);
    return machine.open();
  }

  /** Ends the machines started so far. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#machines.splice(0).map((machine) => machine.close()));
  }

  async close(): Promise<void> {
    await this.stopAll();
    await this.baker.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Guests that are booted only to see whether the kernel runs: a disk without a program. */
import { join } from 'node:path';
import { bootMarker, writeDisk } from '@firstlight/disk';
import { createFileTree } from '@firstlight/files';
import type { Layout } from '#core/store/layout.ts';
import { type Machine, plainMachine } from '#core/vmm/machine.ts';
import type { ProbeGuest } from '#core/vmm/probe-guest.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { NanosFiles, Releases } from '../releases/releases.ts';

export interface ProbeBootOptions {
  readonly layout: Layout;
  readonly accel: Accel;
  readonly kernelImg: string;
  /** The boot code of the disk; null for a kernel that the VMM loads. */
  readonly bootImage: string | null;
  readonly kernel: Machine['kernel'];
  readonly makeDiskDir: () => Promise<string>;
}

const memoryMiB = 64;
/** No program has this name: the kernel reports that it cannot start it, and ends. */
const noProgram = '/firstlight-probe';

/** A machine whose kernel prints that it has no program. Errors: STORE_UNUSABLE, BAD_INPUT. */
export async function makeProbeMachine(options: ProbeBootOptions): Promise<Machine> {
  const { layout, accel, kernelImg, bootImage, kernel, makeDiskDir } = options;
  const path = join(await makeDiskDir(), 'disk.raw');
  const root = new Map([['program', noProgram]]);
  const boot = { bootImage, kernel: kernelImg };
  await writeDisk(path, { tree: createFileTree().tree, root, digest: 'probe', boot, freeBytes: 0 });
  await layout.giveToQemu(path);
  // A disk that is only read can be copied to another host.
  return plainMachine(
    { accel, memoryMiB, vcpus: 1 },
    { kernel, disks: [{ path, format: 'raw', isReadOnly: kernel === null }] },
  );
}

/** True for output of a kernel that runs. The marker shows only that it was entered. */
export const isKernelOutput = (chunk: Uint8Array): boolean => chunk.some((byte) => byte !== bootMarker);

/** The guest that stands for all others on Nanos: the release in use, else another that is installed. Errors: RELEASE_MISSING. */
export async function nanosProbeGuest(layout: Layout, releases: Releases): Promise<ProbeGuest> {
  const installed = await releases.list();
  const chosen = installed.find(({ inUse }) => inUse) ?? installed[0];
  const { digest, kernelImg, bootImg }: NanosFiles = await releases.resolve(chosen?.version);
  return {
    name: `nanos-${digest.slice(0, 16)}`,
    makeMachine: (accel, makeDiskDir) =>
      makeProbeMachine({ layout, accel, kernelImg, bootImage: bootImg, kernel: null, makeDiskDir }),
    isMarker: isKernelOutput,
  };
}

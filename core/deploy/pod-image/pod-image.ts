import { stat } from 'node:fs/promises';
import { createFileTree } from '@firstlight/files';
import { type ComposedImage, composeImage, writeLayer } from '@firstlight/oci';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { Layout } from '#core/store/layout.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import type { Machine, PlacedMachine } from '#core/vmm/machine.ts';
import { writeQemuArgs } from '#core/vmm/qemu/qemu-command.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Image } from '#shared/model/image.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { instanceIdSchema } from '#shared/model/units.ts';
import { podPaths, podPorts, podUser } from './pod-paths.ts';
import { makeVmmLayer, type VmmLayer } from './vmm-layer.ts';

export interface PodImageRequest {
  readonly layout: Layout;
  readonly supervisorPath: string;
  readonly runtime: Runtime;
  readonly image: Image;
  readonly config: ProjectConfig;
  readonly version: string;
  readonly signal: AbortSignal;
  /** The shared layer, where it is already being made. */
  readonly vmm?: Promise<VmmLayer> | undefined;
}

/** An image for a pod. Units: bytes as pushed. */
export interface PodImage {
  readonly image: ComposedImage;
  readonly vmmBytes: number;
  readonly functionBytes: number;
}

/**
 * The container image of a function with the VMM that runs it: one layer shared by all functions, one for this
 * function.
 *
 * Errors: MACHINE_UNSUPPORTED for a runtime that cannot run this way; QEMU_MISSING, LIBRARY_MISSING; STORE_UNUSABLE,
 * DISK_FULL.
 */
export async function makePodImage(request: PodImageRequest): Promise<PodImage> {
  const { layout, supervisorPath, runtime, image, config, version, signal } = request;
  const vmm = await (request.vmm ?? makeVmmLayer(layout, supervisorPath, signal));
  const machine = await machineInPod(request);
  const { kernel } = machine;
  if (runtime.podRequests !== 'frames' || kernel === null || machine.disks.length > 0 || machine.networks.length > 0) {
    throw new FirstlightError(
      'MACHINE_UNSUPPORTED',
      `${config.name} runs on ${runtime.id}, which no pod carries yet.`,
      {
        hint: 'Deploy a function whose runtime needs neither a disk nor a network of its own.',
      },
    );
  }
  const builder = createFileTree();
  const addHost = async (path: string, hostPath: string) => {
    const { size } = await stat(hostPath);
    builder.add(path, { kind: 'file', content: { kind: 'host', path: hostPath }, bytes: size });
  };
  await addHost(podPaths.kernel, kernel.path);
  const firmwarePath = kernel.firmwarePath ?? findFirmware();
  if (firmwarePath !== null) await addHost(podPaths.firmware, firmwarePath);
  const inPod = { ...machine, kernel: { ...kernel, path: podPaths.kernel } };
  const args = writeQemuArgs(place(inPod, config.name, firmwarePath === null ? null : podPaths.firmware), qmpSocket);
  const data = Buffer.from(`${args.join('\n')}\n`);
  builder.add(podPaths.qemuArgs, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  const blobsDir = await layout.ensure(layout.podLayersDir);
  const layer = await writeLayer(builder.tree, blobsDir, {
    modeOf: (_, node) => (node.kind === 'file' ? 0o644 : 0o755),
    signal,
  });
  const composed = composeImage({
    layers: [vmm.layer, layer],
    settings: {
      entrypoint: [podPaths.supervisor, '--timeout-ms', String(config.timeoutMs)],
      user: `${podUser}:${podUser}`,
      exposedPorts: [podPorts.http, podPorts.status],
      labels: { 'dev.firstlight.runtime': runtime.id },
    },
    annotations: {
      'org.opencontainers.image.title': config.name,
      'dev.firstlight.version': version,
      'dev.firstlight.runtime': runtime.id,
      'dev.firstlight.image': image.id,
    },
  });
  return { image: composed, vmmBytes: vmm.layer.size, functionBytes: layer.size };
}

async function machineInPod({ runtime, image, config }: PodImageRequest): Promise<Machine> {
  const { machine } = await runtime.prepareMachine({
    instanceId: instanceIdSchema.parse(config.name),
    image,
    config,
    // The supervisor chooses on the node.
    accel: 'tcg',
    vmm: null,
    makeDiskDir: async () => {
      throw new FirstlightError('MACHINE_UNSUPPORTED', `${runtime.id} writes to a disk, which no pod carries yet.`);
    },
  });
  return machine;
}

const socketIn = (name: string) => `${podPaths.runDir}/${name}.sock`;
const qmpSocket = socketIn('qmp');

/** The same for every build of the same function: the image's digest depends on it. */
function place(machine: Machine, name: string, firmwarePath: string | null): PlacedMachine {
  return {
    machine,
    name,
    uuid: '00000000-0000-4000-8000-000000000000',
    title: name,
    firmwarePath,
    sockets: { serial: socketIn('serial'), channel: socketIn('channel'), console: socketIn('console') },
  };
}

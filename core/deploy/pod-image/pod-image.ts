import { stat } from 'node:fs/promises';
import { createFileTree } from '@firstlight/files';
import { type ComposedImage, composeImage, writeLayer } from '@firstlight/oci';
import { type PodMachine, podForwardPort } from '#core/runtime/machines.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { Layout } from '#core/store/layout.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import type { Machine, PlacedMachine } from '#core/vmm/machine.ts';
import { writeQemuArgs } from '#core/vmm/qemu/qemu-command.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Image } from '#shared/model/image.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { VmGuest } from '../pod-template.ts';
import { type PodDisk, podDiskArgs, readPodDisk } from './pod-disk.ts';
import { podPaths, podPorts, podUser } from './pod-paths.ts';
import { makeBaseLayer, makeVmmLayer, type VmmLayer } from './vmm-layer.ts';

export interface PodImageRequest {
  readonly layout: Layout;
  readonly supervisorPath: string;
  readonly runtime: Runtime;
  readonly image: Image;
  readonly config: ProjectConfig;
  readonly version: string;
  readonly signal: AbortSignal;
  /** True when the pod gives the guest variables at its start. */
  readonly hasVariables: boolean;
  /** The shared layer, where it is already being made. */
  readonly vmm?: Promise<VmmLayer> | undefined;
}

/** An image for a pod. Units: bytes as pushed; `vmmBytes` counts what functions share. */
export interface PodImage {
  readonly image: ComposedImage;
  /** The files of this machine in its shared layer. */
  readonly hostFiles: readonly string[];
  readonly vmmBytes: number;
  readonly functionBytes: number;
  /** The port that a unikernel serves by itself in the pod's network, without a supervisor. */
  readonly port?: number;
  /** How it is started in a virtual machine of KubeVirt; absent where it is a pod's. */
  readonly vm?: VmGuest | undefined;
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
  const prepared = await prepare(request);
  const { machine, requests, diskPath } = prepared;
  const vmm = await (request.vmm ?? makeVmmLayer(layout, supervisorPath, signal));
  const disk = diskPath === null ? null : await readPodDisk(diskPath);
  const base = disk === null ? null : await makeBaseLayer(layout, disk.basePath, signal);
  const { builder, args } = await listOwnFiles(machine, config.name, disk);
  const data = Buffer.from(`${args.join('\n')}\n`);
  builder.add(podPaths.qemuArgs, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  const layer = await writeLayer(builder.tree, await layout.ensure(layout.podLayersDir), {
    modeOf: (_, node) => (node.kind === 'file' ? 0o644 : 0o755),
    signal,
  });
  const http = ['--forward-port', String(podForwardPort)];
  const options = requests.kind === 'frames' ? [] : [...http, ...(requests.saysReady ? ['--says-ready'] : [])];
  const composed = composeImage({
    layers: [vmm.layer, ...(base === null ? [] : [base]), layer],
    settings: {
      // The container's arguments follow, and are the function's.
      entrypoint: [podPaths.supervisor, '--timeout-ms', String(config.timeoutMs), ...options, '--'],
      user: `${podUser}:${podUser}`,
      exposedPorts: [podPorts.http, podPorts.status],
      labels: { 'dev.firstlight.runtime': runtime.id },
    },
    annotations: describeImage(config.name, version, runtime.id, image.id),
  });
  return {
    image: composed,
    hostFiles: vmm.hostFiles,
    vmmBytes: vmm.layer.size + (base?.size ?? 0),
    functionBytes: layer.size,
  };
}

/** The annotations of an image, which any tool shows. */
export const describeImage = (name: string, version: string, runtime: string, imageId: string) => ({
  'org.opencontainers.image.title': name,
  'dev.firstlight.version': version,
  'dev.firstlight.runtime': runtime,
  'dev.firstlight.image': imageId,
});

async function prepare({ runtime, image, config, hasVariables }: PodImageRequest): Promise<PodMachine> {
  const refuse = (what: string, hint: string) => new FirstlightError('MACHINE_UNSUPPORTED', what, { hint });
  const prepared = await runtime.prepareForPod?.({ image, config });
  if (prepared === undefined) {
    throw refuse(
      `${config.name} runs on ${runtime.id}, which no pod carries.`,
      'Deploy a function on another runtime.',
    );
  }
  if (hasVariables && !prepared.takesVariables) {
    throw refuse(
      `${config.name} cannot be given secrets: a program on ${runtime.id} takes its environment from its image.`,
      'Remove "secrets" from "deploy", or deploy a function.',
    );
  }
  return prepared;
}

/** The files of this function alone, and QEMU's arguments for them. */
async function listOwnFiles(machine: Machine, name: string, disk: PodDisk | null) {
  const builder = createFileTree();
  const addHost = async (path: string, hostPath: string) => {
    const { size } = await stat(hostPath);
    builder.add(path, { kind: 'file', content: { kind: 'host', path: hostPath }, bytes: size });
  };
  const { kernel } = machine;
  const firmwarePath = kernel === null ? null : (kernel.firmwarePath ?? findFirmware());
  if (kernel !== null) await addHost(podPaths.kernel, kernel.path);
  if (firmwarePath !== null) await addHost(podPaths.firmware, firmwarePath);
  if (disk !== null) {
    const { bytes } = disk;
    builder.add(podPaths.disk, { kind: 'file', content: { kind: 'bytes', data: bytes }, bytes: bytes.length });
  }
  const inPod = { ...machine, kernel: kernel === null ? null : { ...kernel, path: podPaths.kernel } };
  const args = writeQemuArgs(place(inPod, name, firmwarePath === null ? null : podPaths.firmware), qmpSocket);
  return { builder, args: [...args, ...(disk === null ? [] : podDiskArgs)] };
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

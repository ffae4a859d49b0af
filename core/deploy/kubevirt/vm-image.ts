import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileTree, type TreeNode } from '@firstlight/files';
import { composeImage, type LayerBlob, writeLayer } from '@firstlight/oci';
import type { Bundle } from '#core/runtime/bundle.ts';
import { tempPathFor } from '#core/store/write-atomic.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import { describeImage, type PodImage, type PodImageRequest } from '../pod-image/pod-image.ts';
import type { VmGuest } from '../pod-template.ts';
import { diskPathInImage, kernelPathInImage, kubevirtUser, vmNetwork } from './vm-layout.ts';

export interface VmImageRequest
  extends Pick<PodImageRequest, 'layout' | 'runtime' | 'image' | 'version' | 'signal' | 'hasVariables'> {
  readonly bundle: Bundle;
  readonly progress: (progress: Progress) => void;
}

/**
 * The image of a function for KubeVirt: its kernel with its heap, which kernelBoot starts, or the disk that it boots from, a
 * containerDisk, and nothing else.
 *
 * Source: KubeVirt's user guide, "Booting a kernel" and "containerDisk". Errors: MACHINE_UNSUPPORTED; BAD_INPUT;
 * IMAGE_INVALID; STORE_UNUSABLE, DISK_FULL.
 */
export async function makeVmImage(request: VmImageRequest): Promise<PodImage> {
  const { runtime, image, bundle, version, hasVariables } = request;
  const { name } = bundle.config;
  const refuse = (what: string, hint: string) => new FirstlightError('MACHINE_UNSUPPORTED', what, { hint });
  if (hasVariables) {
    throw refuse(
      `${name} cannot be given secrets: nobody speaks to its virtual machine on KubeVirt.`,
      'Remove "secrets" from "deploy", or use a target whose engine is "pod".',
    );
  }
  const packed = (await packDisk(request)) ?? (await packKernel(request));
  if (packed === null) {
    throw refuse(`${name} runs on ${runtime.id}, which KubeVirt is not given.`, 'Use a target whose engine is "pod".');
  }
  const { layer, vm } = packed;
  const composed = composeImage({
    layers: [layer],
    settings: {
      entrypoint: [],
      user: `${kubevirtUser}:${kubevirtUser}`,
      labels: { 'dev.firstlight.runtime': runtime.id },
    },
    annotations: describeImage(name, version, runtime.id, image.id),
  });
  return { image: composed, hostFiles: [], vmmBytes: 0, functionBytes: layer.size, vm };
}

interface Packed {
  readonly layer: LayerBlob;
  readonly vm: VmGuest;
}

async function packKernel(request: VmImageRequest): Promise<Packed | null> {
  const { runtime, image, bundle } = request;
  const guest = await runtime.prepareAlone?.({ image, config: bundle.config, network: vmNetwork });
  if (guest === undefined) return null;
  const { kernel, cmdline, port } = guest;
  const content = { kind: 'bytes', data: kernel } as const;
  return { layer: await packFile(request, kernelPathInImage, content, kernel.length), vm: { cmdline, port } };
}

async function packDisk(request: VmImageRequest): Promise<Packed | null> {
  const { layout, runtime, bundle, signal, progress } = request;
  if (runtime.writeAloneDisk === undefined) return null;
  const path = tempPathFor(join(await layout.ensure(layout.podLayersDir), 'disk'));
  try {
    const { port, bytes } = await runtime.writeAloneDisk(bundle, path, { signal, progress });
    const layer = await packFile(request, diskPathInImage, { kind: 'host', path }, bytes);
    return { layer, vm: { cmdline: null, port } };
  } finally {
    await rm(path, { force: true });
  }
}

/** A layer with one file, which KubeVirt's user may read. */
async function packFile(
  { layout, signal }: VmImageRequest,
  path: string,
  content: Extract<TreeNode, { kind: 'file' }>['content'],
  bytes: number,
): Promise<LayerBlob> {
  const builder = createFileTree();
  builder.add(path, { kind: 'file', content, bytes });
  return await writeLayer(builder.tree, await layout.ensure(layout.podLayersDir), {
    ownerOf: () => kubevirtUser,
    modeOf: (_, node) => (node.kind === 'file' ? 0o440 : 0o755),
    signal,
  });
}

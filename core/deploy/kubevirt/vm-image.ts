import { createFileTree } from '@firstlight/files';
import { composeImage, writeLayer } from '@firstlight/oci';
import type { AloneGuest } from '#core/runtime/machines.ts';
import { FirstlightError } from '#shared/errors.ts';
import { describeImage, type PodImage, type PodImageRequest } from '../pod-image/pod-image.ts';
import { kernelPathInImage, kubevirtUser, vmNetwork } from './vm-layout.ts';

export type VmImageRequest = Pick<
  PodImageRequest,
  'layout' | 'runtime' | 'image' | 'config' | 'version' | 'signal' | 'hasVariables'
>;

/** The guest of a function for a virtual machine of KubeVirt. Errors: MACHINE_UNSUPPORTED; BAD_INPUT; IMAGE_INVALID. */
export async function prepareForVm({ runtime, image, config, hasVariables }: VmImageRequest): Promise<AloneGuest> {
  const { name } = config;
  const refuse = (what: string, hint: string) => new FirstlightError('MACHINE_UNSUPPORTED', what, { hint });
  if (runtime.prepareAlone === undefined) {
    throw refuse(`${name} runs on ${runtime.id}, which KubeVirt is not given.`, 'Use a target whose engine is "pod".');
  }
  if (hasVariables) {
    throw refuse(
      `${name} cannot be given secrets: nobody speaks to its virtual machine on KubeVirt.`,
      'Remove "secrets" from "deploy", or use a target whose engine is "pod".',
    );
  }
  return await runtime.prepareAlone({ image, config, network: vmNetwork });
}

/**
 * The image of a function for KubeVirt's kernelBoot: its kernel with its heap, and nothing else.
 *
 * Source: KubeVirt's user guide, "Booting a kernel". Errors: as `prepareForVm`; STORE_UNUSABLE, DISK_FULL.
 */
export async function makeVmImage(request: VmImageRequest): Promise<PodImage> {
  const { layout, runtime, image, config, version, signal } = request;
  const { kernel, cmdline, port } = await prepareForVm(request);
  const builder = createFileTree();
  builder.add(kernelPathInImage, { kind: 'file', content: { kind: 'bytes', data: kernel }, bytes: kernel.length });
  const layer = await writeLayer(builder.tree, await layout.ensure(layout.podLayersDir), {
    ownerOf: () => kubevirtUser,
    modeOf: (_, node) => (node.kind === 'file' ? 0o440 : 0o755),
    signal,
  });
  const composed = composeImage({
    layers: [layer],
    settings: {
      entrypoint: [],
      user: `${kubevirtUser}:${kubevirtUser}`,
      labels: { 'dev.firstlight.runtime': runtime.id },
    },
    annotations: describeImage(config.name, version, runtime.id, image.id),
  });
  return { image: composed, hostFiles: [], vmmBytes: 0, functionBytes: layer.size, vm: { cmdline, port } };
}

import { createFileTree } from '@firstlight/files';
import { composeImage, writeLayer } from '@firstlight/oci';
import { FirstlightError } from '#shared/errors.ts';
import { describeImage, type PodImage, type PodImageRequest } from './pod-image.ts';
import { podUser } from './pod-paths.ts';

export type UruncImageRequest = Pick<
  PodImageRequest,
  'layout' | 'runtime' | 'image' | 'config' | 'version' | 'signal' | 'hasVariables'
>;

const kernelPath = '/boot/kernel';
/** Addresses that are not known yet: the guest is given those of its pod on its command line. */
const unassigned = { address: '0.0.0.0', netmask: '0.0.0.0', gateway: '0.0.0.0' } as const;

/**
 * The image of a function for urunc, which boots its kernel in a virtual machine in place of a container's process.
 *
 * Source: urunc's documentation, "Packaging unikernels": keys of annotations, whose values the file `/urunc.json` has in
 * base64, as container engines pass no annotations of images on. Of urunc's kinds `linux` is the one that puts the pod's
 * addresses and the container's arguments on the command line in a form that a kernel of ours reads.
 *
 * Errors: MACHINE_UNSUPPORTED; IMAGE_INVALID; STORE_UNUSABLE, DISK_FULL.
 */
export async function makeUruncImage(request: UruncImageRequest): Promise<PodImage> {
  const { layout, runtime, image, config, version, signal, hasVariables } = request;
  const { name } = config;
  const refuse = (what: string, hint: string) => new FirstlightError('MACHINE_UNSUPPORTED', what, { hint });
  if (runtime.prepareAlone === undefined) {
    throw refuse(`${name} runs on ${runtime.id}, which urunc does not run.`, 'Use a target whose engine is "pod".');
  }
  if (hasVariables) {
    throw refuse(
      `${name} cannot be given secrets: urunc puts variables on the command line of its virtual machine.`,
      'Remove "secrets" from "deploy", or use a target whose engine is "pod".',
    );
  }
  const { kernel, cmdline, port } = await runtime.prepareAlone({ image, config, network: unassigned });
  const command = [runtime.id, ...cmdline.split(' ')];
  const settings = uruncSettings(command.join(' '));
  const builder = createFileTree();
  const add = (path: string, data: Uint8Array) =>
    builder.add(path, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  add(kernelPath, kernel);
  add('/urunc.json', Buffer.from(`${JSON.stringify(settings, null, 2)}\n`));
  const layer = await writeLayer(builder.tree, await layout.ensure(layout.podLayersDir), {
    modeOf: (_, node) => (node.kind === 'file' ? 0o444 : 0o755),
    signal,
  });
  const composed = composeImage({
    layers: [layer],
    settings: {
      entrypoint: command,
      user: `${podUser}:${podUser}`,
      exposedPorts: [port],
      labels: { 'dev.firstlight.runtime': runtime.id },
    },
    annotations: { ...describeImage(name, version, runtime.id, image.id), ...settings },
  });
  return { image: composed, hostFiles: [], vmmBytes: 0, functionBytes: layer.size, port };
}

/** Values in base64, by urunc's keys. Its versions differ in how they are told not to give the guest its root file system. */
function uruncSettings(cmdline: string): Readonly<Record<string, string>> {
  const values = {
    unikernelType: 'linux',
    unikernelVersion: '',
    hypervisor: 'qemu',
    binary: kernelPath,
    cmdline,
    mountRootfs: 'false',
    useDMBlock: 'false',
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`com.urunc.unikernel.${key}`, Buffer.from(value).toString('base64')]),
  );
}

import { composeImage, writeLayer } from '@firstlight/oci';
import type { WriteTarOptions } from '@firstlight/tar';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import { describeImage, type PodImage, type PodImageRequest } from './pod-image.ts';
import { podUser } from './pod-paths.ts';
import { packOnce } from './vmm-layer.ts';

export interface ContainerImageRequest
  extends Pick<PodImageRequest, 'layout' | 'runtime' | 'image' | 'version' | 'signal'> {
  readonly bundle: Bundle;
  readonly progress: (progress: Progress) => void;
}

/**
 * The modes of an image's files, which its scripts and programs go by: `-x`, or a key that nobody else may read. Others
 * are run as they are. Folders differ in nothing: all of them can be read, and none be written.
 */
const entriesInContainer: WriteTarOptions = {
  modeOf: (_, node) => (node.kind === 'file' ? (node.mode ?? 0o755) : 0o755),
  // A container has one user: the file that its owner alone could use becomes that user's.
  ownerOf: (_, node) => (node.kind === 'file' && node.mode !== undefined && isForOwner(node.mode) ? podUser : 0),
};

/** True when the owner may read or run it, and others may not. */
const isForOwner = (mode: number): boolean => ((mode >> 6) & ~mode & 0o5) !== 0;

/**
 * An ordinary container image of a function, for runc, gVisor or Kata: no kernel, no VMM. One layer is shared by all
 * functions of its kind.
 *
 * Errors: MACHINE_UNSUPPORTED for a runtime whose functions need its kernel; STORE_UNUSABLE, DISK_FULL.
 */
export async function makeContainerImage(request: ContainerImageRequest): Promise<PodImage> {
  const { layout, runtime, image, version, bundle, signal, progress } = request;
  const { name, port } = bundle.config;
  const refuse = (what: string, hint: string) => new FirstlightError('MACHINE_UNSUPPORTED', what, { hint });
  if (port === null) {
    throw refuse(`${name} serves no port, which a Service needs.`, 'Set "port" in firstlight.json.');
  }
  const parts = await runtime.prepareContainer?.(bundle, { signal, progress });
  if (parts === undefined) {
    throw refuse(
      `${name} runs on ${runtime.id}, whose functions are no ordinary containers.`,
      'Use a runtime that runs Node.js and programs of Linux, or a target whose engine is "pod".',
    );
  }
  const base = await packOnce(layout, 'container', parts.base, signal, entriesInContainer);
  const blobsDir = await layout.ensure(layout.podLayersDir);
  const own = await writeLayer(parts.own, blobsDir, { ...entriesInContainer, signal });
  const composed = composeImage({
    layers: [base, own],
    settings: {
      entrypoint: parts.command,
      cmd: parts.args,
      env: parts.env,
      user: `${podUser}:${podUser}`,
      ...(parts.cwd !== null && { workingDir: parts.cwd }),
      exposedPorts: [port],
      labels: { 'dev.firstlight.runtime': runtime.id },
    },
    annotations: describeImage(name, version, runtime.id, image.id),
  });
  // The files of this machine in it are its runtime's to name.
  return { image: composed, hostFiles: [], vmmBytes: base.size, functionBytes: own.size };
}

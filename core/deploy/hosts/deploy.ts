/** A function from its project to libvirt hosts, step by step. */

import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Build } from '#core/images/image-store.ts';
import { digestFile, sha256 } from '#core/store/digest.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import { unsupported } from '#core/vmm/unsupported.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import type { DeployResult } from '#shared/model/deploy.ts';
import { createDeploySteps } from '../deploy-steps.ts';
import { readPodDisk } from '../pod-image/pod-disk.ts';
import type { DeployPlan } from '../profile.ts';
import { thisComputer } from '../this-computer.ts';
import { isReachable } from './endpoint.ts';
import type { Fleet } from './fleet.ts';
import { currentRevision, type Instance, listInstances } from './instances.ts';
import { type FindSource, type VolumeSource, volumeNameOf } from './place.ts';
import type { Release } from './record.ts';
import { Rollout } from './rollout.ts';

export interface HostDeployOptions {
  readonly plan: DeployPlan;
  readonly replicas?: number | undefined;
  readonly rollback: boolean;
  /** True: goes on where another computer may still be deploying. */
  readonly force: boolean;
  readonly build: () => Promise<Build>;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/**
 * Builds, copies, defines, replaces the instances one by one, and calls each of them.
 *
 * Errors: BAD_INPUT for what hosts cannot give; those of a build; MACHINE_UNSUPPORTED; LIBVIRT_*, DISK_FULL; CONFLICT;
 * DEPLOY_FAILED, after going back; CANCELLED.
 */
export async function deployToHosts(fleet: Fleet, options: HostDeployOptions): Promise<DeployResult> {
  const { plan, signal, progress } = options;
  checkPlan(plan);
  const { steps, step } = createDeploySteps(options);

  const { name } = plan.project;
  checkNotElsewhere(await listInstances(fleet, name), name, options.force);
  const built = await step('build', 'Building', async () => {
    const value = await options.build();
    return { value, detail: value.result.cached ? 'nothing had changed' : `${formatBytes(value.image.bytes)} image` };
  });
  const { release, find } = await step('image', 'Preparing its machine', async () => {
    const value = await makeRelease(fleet, built);
    const { memoryMiB, vcpus } = value.release;
    return { value, detail: `${memoryMiB} MiB, ${vcpus} vCPU` };
  });
  const before = await listInstances(fleet, name);
  const revision = revisionFor(release, before);
  const replicas = options.replicas ?? plan.replicas ?? wantedOf(before) ?? 1;
  const rollout = new Rollout(
    fleet,
    {
      ...{ release, revision, replicas, find, signal, rollback: options.rollback },
      onProgress: (message) => progress({ step: 'rollout', message }),
    },
    before,
  );
  await step('push', `Copying to ${fleet.target.name}`, async () => {
    const value = await rollout.copy();
    return { value, detail: value === 0 ? 'all of it was there' : `${formatBytes(value)} sent` };
  });
  await step('apply', 'Defining its domains', async () => {
    await rollout.define();
    const labels = rollout.hosts.map(({ label }) => label).join(', ');
    return { value: null, detail: replicas === 0 ? 'none' : `${replicas} on ${labels}` };
  });
  const done = await step('rollout', 'Rolling out', async () => {
    const value = await rollout.replace();
    return { value, detail: `${replicas} of ${replicas} answer` };
  });
  const lacks = fleet.runtimes.get(built.image.runtime)?.describeLacks?.(built.bundle.config, 'host') ?? [];
  const warnings = [...lacks, ...done.warnings];
  return {
    ...{ target: fleet.target.name, namespace: null, name, image: release.imageId, revision },
    pushedBytes: done.sentBytes,
    steps,
    answer: done.answer === null ? null : { status: done.answer.status, body: done.answer.body.slice(0, 4000) },
    ...(warnings.length > 0 && { warnings }),
  };
}

/** Errors: BAD_INPUT. */
function checkPlan({ secrets, route, autoscale, workload, signKey, project }: DeployPlan): void {
  const asked = {
    secrets: Object.keys(secrets).length > 0,
    route: route !== undefined,
    autoscale: autoscale !== undefined,
    workload: workload === 'knative',
    sign: signKey !== undefined,
  };
  const found = Object.entries(asked).find(([, isAsked]) => isAsked)?.[0];
  if (found === undefined) return;
  throw new FirstlightError(
    'BAD_INPUT',
    `"deploy.${found}" of ${project.name} is for Kubernetes: libvirt hosts have none.`,
    {
      hint: `Remove it from this profile, or deploy to a cluster.`,
      details: { subject: found },
    },
  );
}

/** A deploy of another computer that is older than this was interrupted. Units: ms. */
const foreignDeployMs = 10 * 60_000;

/** Errors: CONFLICT while another computer is deploying, as far as its instances show. */
export function checkNotElsewhere(instances: readonly Instance[], name: string, force: boolean): void {
  const newest = Math.max(0, ...instances.map(({ record }) => record.revision));
  const own = instances.filter(({ record }) => record.revision === newest);
  const [first] = own;
  if (first === undefined || force) return;
  const { deployedBy, deployedAt, replicas } = first.record;
  const isOver =
    own.filter(({ isInService }) => isInService).length >= replicas ||
    Date.now() - Date.parse(deployedAt) > foreignDeployMs;
  if (isOver || deployedBy === thisComputer()) return;
  throw new FirstlightError('CONFLICT', `${name} is being deployed by ${deployedBy}, since ${deployedAt}.`, {
    hint: 'Wait for that deploy to end. If it was interrupted, --force takes over.',
    details: { subject: name },
  });
}

/** The revision of a deploy: that which is there already, else a new one. */
function revisionFor(release: Release, before: readonly Instance[]): number {
  const newest = before.reduce<Instance | null>(
    (found, one) => (found === null || one.record.revision > found.record.revision ? one : found),
    null,
  );
  if (newest === null) return 1;
  const isSame = (Object.keys(release) as (keyof Release)[]).every((key) => newest.record[key] === release[key]);
  return isSame ? newest.record.revision : newest.record.revision + 1;
}

const wantedOf = (instances: readonly Instance[]): number | undefined => {
  const current = currentRevision(instances);
  return instances.find(({ record }) => record.revision === current)?.record.replicas;
};

/** A build as a release, with the files of this machine that it is made of. Errors: MACHINE_UNSUPPORTED. */
async function makeRelease(
  { runtimes, target, hosts }: Fleet,
  { image, bundle: { config } }: Build,
): Promise<{ readonly release: Release; readonly find: FindSource }> {
  const prepared = await runtimes.get(image.runtime)?.prepareForHost?.({ image, config });
  const { machine, network } = prepared ?? {};
  const [channel] = machine?.channels.filter(({ carries }) => carries === 'invocations') ?? [];
  if (prepared === undefined || machine === undefined || network === undefined) {
    throw unsupported(
      `A libvirt host of ${target.name}`,
      `what ${config.name} needs`,
      `What runs on ${image.runtime} is not deployed there. Deploy it to Kubernetes.`,
    );
  }
  const disk = prepared.disk === null ? null : await readPodDisk(prepared.disk.path);
  const sources = new Map<string, VolumeSource>();
  const add = async (path: string | null | undefined): Promise<string> => {
    if (path === null || path === undefined) return '';
    const { sha256: digest, bytes } = await digestFile(path);
    sources.set(volumeNameOf(digest), { bytes, read: () => createReadStream(path) });
    return volumeNameOf(digest);
  };
  const addBytes = (bytes: Buffer): string => {
    const name = volumeNameOf(sha256(bytes));
    sources.set(name, { bytes: bytes.length, read: () => Readable.from([bytes]) });
    return name;
  };
  const far = channel === undefined ? hosts.find((host) => !isReachable(host, target.listen)) : undefined;
  if (far !== undefined) {
    throw unsupported(
      `${far.label}, whose loopback is not reached from here,`,
      `whose endpoint is on ${target.listen}`,
      `What runs on ${image.runtime} is called by its endpoint only: name the host by qemu+ssh, or add the target with --listen.`,
    );
  }
  const { kernel, memoryMiB, vcpus, machineType, firmware } = machine;
  const release: Release = {
    ...{ functionName: config.name, runtime: image.runtime, imageId: image.id, timeoutMs: config.timeoutMs },
    ...{ memoryMiB, vcpus, machineType, cmdline: kernel?.cmdline ?? '', channel: channel?.name ?? '' },
    processor: machine.processor ?? '',
    kernel: await add(kernel?.path),
    firmware: firmware === 'quick' ? await add(kernel?.firmwarePath ?? findFirmware()) : '',
    initrd: await add(kernel?.initrdPath),
    disk: disk === null ? '' : addBytes(disk.bytes),
    base: await add(disk?.basePath),
    ...{ diskFileBytes: disk?.bytes.length ?? 0, diskBytes: prepared.disk?.bytes ?? 0 },
    ...{ guestIp: network?.guestIp ?? '', egress: network?.isOpen ? 'open' : 'closed' },
    ...{ guestPort: network?.port ?? 0, listen: network?.port ? target.listen : '' },
  };
  const find: FindSource = async (volume) => {
    const source = sources.get(volume);
    if (source === undefined) throw new FirstlightError('INTERNAL', `There is no source of ${volume}.`);
    return source;
  };
  return { release, find };
}

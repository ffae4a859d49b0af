import { sha256 } from '#core/store/digest.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type KubernetesTarget, runtimeClassOf, usesKubevirt } from '#shared/model/deploy.ts';
import type { SecretReference } from '#shared/model/deploy-section.ts';
import type { DeployContext } from './deploy-context.ts';
import { checkPlan } from './deployed-workload.ts';
import { findLacks } from './find-lacks.ts';
import { revisionLabel, type VmReplicaSet, vmReplicaSets } from './kubevirt/objects.ts';
import { type ManifestFormat, writeManifests } from './manifests.ts';
import { nameLabel } from './names.ts';
import { packImage } from './pack-image.ts';
import type { WorkloadRequest } from './pod-template.ts';
import { joinNotes, type PreviewRequest } from './preview.ts';
import { pushFunction } from './push-function.ts';
import { refer, secretNameOf } from './secrets.ts';
import { makeWorkload } from './workload.ts';

export interface ManifestRequest extends Omit<PreviewRequest, 'replicas' | 'secrets' | 'force'> {
  /** The file of the key that the image is signed with. */
  readonly signKey?: string | undefined;
  readonly secrets: Readonly<Record<string, SecretReference>>;
  readonly replicas?: number | undefined;
  readonly target: KubernetesTarget;
  readonly format: ManifestFormat;
  readonly push: boolean;
  /** The resource of a device plugin that gives pods KVM. */
  readonly kvmResource?: string | undefined;
}

/**
 * The files for applying a function by other means, with the image in its registry. Contacts no cluster. Errors:
 * REGISTRY_*; BAD_INPUT for KVM where no pod has a VMM.
 */
export async function makeManifests(
  context: DeployContext,
  {
    target,
    format,
    push,
    bundle,
    image,
    variables,
    args,
    replicas,
    autoscale,
    route,
    secrets,
    signal,
    progress,
    signKey,
    kvmResource,
    workload = target.workload,
  }: ManifestRequest,
): Promise<CallOutput<'deploy:manifests'>> {
  checkPlan(target, workload, { replicas, autoscale, route });
  const hasVmm = runtimeClassOf(target) === null && !usesKubevirt(target);
  if (kvmResource !== undefined && !hasVmm) throw noVmm(target);
  const { config } = bundle;
  const hasVariables = Object.keys({ ...variables, ...secrets }).length > 0;
  const pod = await packImage(target, context, { bundle, image, hasVariables, signal, progress });
  if (push) await pushFunction(target, { bundle, image }, pod, context, { signal, progress, signKey });
  const reference = `${target.registry}/${config.name}@${pod.image.manifest.digest}`;
  const request: WorkloadRequest = {
    workload,
    config,
    target,
    namespace: target.namespace ?? 'default',
    image: reference,
    imageId: image.id,
    runtime: image.runtime,
    replicas: replicas ?? (autoscale === undefined ? 1 : undefined),
    autoscale,
    // The same function gives the same files.
    deployedAt: image.createdAt,
    route,
    variables,
    args,
    secrets: refer(config.name, secrets),
    kvmResource: kvmResource ?? null,
    runtimeClass: runtimeClassOf(target),
    vm: pod.vm,
    port: pod.port,
  };
  const objects = makeWorkload(pod.vm === undefined ? request : { ...request, revision: deriveRevision(request) });
  const own = Object.entries(secrets).filter(([, { secret }]) => secret === undefined);
  const secretName = secretNameOf(config.name);
  const command = `kubectl create secret generic ${secretName} ${own.map(([key]) => `--from-file=${key}=FILE`).join(' ')}`;
  const notes = [
    ...findLacks(target, context, { config, image, secrets }),
    own.length === 0 ? '' : `The files hold no value of a secret. Provide the Secret ${secretName}: ${command}`,
    hasVmm && kvmResource === undefined ? emulatedNote : '',
    pod.vm === undefined ? '' : describeEarlierSets(objects),
  ];
  const values = hasVmm ? { kvmResource: kvmResource ?? null } : {};
  return {
    image: reference,
    files: [...writeManifests(objects, format, context.version, values)],
    note: joinNotes(notes),
  };
}

const emulatedNote =
  'These pods ask for no KVM, so that their guests are emulated on every node. Where nodes offer it, as `firstlight target test` says: --kvm-resource devices.kubevirt.io/kvm';

const noVmm = ({ name, engine }: KubernetesTarget) =>
  new FirstlightError('BAD_INPUT', `The engine of ${name} is ${engine}: no pod of it opens KVM itself.`, {
    hint: 'Leave --kvm-resource out, or use a target whose engine is "pod".',
    details: { subject: name },
  });

/** Of a digest: more digits make no name easier to tell from another. */
const revisionDigits = 6;

/**
 * The number of a set of machines of KubeVirt, which replaces none of them when it changes: other machines are another set.
 * Nobody counts here, so that it follows from what they are.
 */
export function deriveRevision(request: WorkloadRequest): number {
  const [set] = makeWorkload({ ...request, revision: 1 }) as readonly unknown[] as readonly [VmReplicaSet];
  return 1 + Number.parseInt(sha256(JSON.stringify(set.spec.template.spec)).slice(0, revisionDigits), 16);
}

function describeEarlierSets([set]: ReturnType<typeof makeWorkload>): string {
  const { namespace, labels = {} } = set?.metadata ?? {};
  const selector = `${nameLabel}=${labels[nameLabel]},${revisionLabel}!=${labels[revisionLabel]}`;
  return `Each image has a set of machines of its own. Where the tool that applies the files does not delete what they name no more: kubectl -n ${namespace} delete ${vmReplicaSets} -l '${selector}'`;
}

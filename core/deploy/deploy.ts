/** A function from its project to a cluster, step by step. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Build } from '#core/images/image-store.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { type DeployResult, type DeployStep, runtimeClassOf } from '#shared/model/deploy.ts';
import type { Autoscale, Route } from '#shared/model/deploy-section.ts';
import { readSigningKey } from './attest/sign.ts';
import { checkRoute, removeRoutes } from './check-route.ts';
import { applyObject, type Cluster, findDeployment, findKvmResource, nullIfMissing, pathOf } from './cluster.ts';
import type { DeployContext } from './deploy-context.ts';
import { isSettled, newestReplicaSet, podsOf, type RolloutPicture, revisionOf } from './judge-rollout.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { beginVmmLayer, checkEngine, packImage } from './pack-image.ts';
import { pushFunction } from './push-function.ts';
import { removeOwned } from './remove-owned.ts';
import { applyTemplate, checkNotPaused, removeFunction } from './revisions.ts';
import { applySecrets, checkSecrets, type Secrets } from './secrets.ts';
import { watchRollout } from './watch-rollout.ts';
import { annotationNames, makeWorkload, usualReplicas } from './workload.ts';

export interface DeployOptions {
  readonly replicas?: number | undefined;
  /** Bounds within which the cluster chooses the number of pods. */
  readonly autoscale?: Autoscale | undefined;
  readonly secrets: Secrets;
  readonly route?: Route | undefined;
  /** The file of the key that the image is signed with. */
  readonly signKey?: string | undefined;
  readonly wait: boolean;
  readonly rollback: boolean;
  readonly force: boolean;
  readonly build: () => Promise<Build>;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Waits this long for the endpoint's first answer. Units: ms. */
const callTimeoutMs = 15_000;

/**
 * Builds, pushes, applies, watches the rollout and calls the function once.
 *
 * Errors: those of a build; MACHINE_UNSUPPORTED, QEMU_MISSING; REGISTRY_*; CLUSTER_*, CONFLICT; DEPLOY_FAILED with the
 * cluster's message, after the rollback; CANCELLED.
 */
export async function deploy(cluster: Cluster, context: DeployContext, options: DeployOptions): Promise<DeployResult> {
  const { signal, progress } = options;
  const steps: DeployStep[] = [];
  async function step<Value>(
    name: DeployStep['name'],
    message: string,
    work: () => Promise<{ value: Value; detail: string }>,
  ): Promise<Value> {
    signal.throwIfAborted();
    progress({ step: name, message });
    const startedAt = performance.now();
    const { value, detail } = await work();
    steps.push({ name, durationMs: performance.now() - startedAt, detail });
    return value;
  }

  const { secrets } = options;
  await checkReferences(cluster, signal);
  // A key that cannot be used is found before anything is built.
  if (options.signKey !== undefined) await readSigningKey(options.signKey, context.env);
  const versions = await checkSecrets(cluster, secrets, signal);
  await checkRoute(cluster, options.route, signal);
  await checkEngine(cluster, signal);
  // The layer is looked up, or packed, while the function is built.
  const vmm = beginVmmLayer(cluster.target, context, signal);
  const built = await step('build', 'Building', async () => {
    const value = await options.build();
    return { value, detail: value.result.cached ? 'nothing had changed' : `${formatBytes(value.image.bytes)} image` };
  });
  const { config } = built.bundle;
  const hasVariables = Object.keys(secrets.keys).length > 0;
  const runtimeClass = runtimeClassOf(cluster.target);
  const what = runtimeClass === null ? 'Packing it with its virtual machine' : 'Packing it as a container';
  const pod = await step('image', what, async () => {
    const value = await packImage(cluster.target, context, { ...built, hasVariables, signal, progress, vmm });
    return { value, detail: `${formatBytes(value.functionBytes)} of its own, ${formatBytes(value.vmmBytes)} shared` };
  });
  const pushed = await step('push', `Pushing to ${cluster.target.registry}`, async () => {
    const value = await pushFunction(cluster.target, built, pod, context, options);
    return { value, detail: value.sentBytes === 0 ? 'all of it was there' : `${formatBytes(value.sentBytes)} sent` };
  });
  const before = await findDeployment(cluster, config.name, signal);
  if (before !== null) checkNotPaused(before);
  const applied = await step('apply', `Applying to ${cluster.namespace}`, async () => {
    const kvm = await findKvmResource(cluster, signal);
    const ownVersion = await applySecrets(cluster, config.name, secrets, { force: options.force, signal });
    const objects = makeWorkload({
      config,
      target: cluster.target,
      namespace: cluster.namespace,
      image: pushed.reference,
      imageId: built.image.id,
      runtime: built.image.runtime,
      replicas: options.replicas ?? usualReplicas(before, options.autoscale),
      autoscale: options.autoscale,
      deployedAt: deployedAtOf(before, pushed.reference),
      route: options.route,
      secrets: secrets.keys,
      secretVersions: [versions, ownVersion].filter(Boolean).join(','),
      kvmResource: kvm.resource,
      runtimeClass,
    });
    let value: DeploymentObject | null = null;
    for (const object of objects) {
      const answer = await applyObject<DeploymentObject>(cluster, object, { force: options.force, signal });
      if (object.kind === 'Deployment') value = answer;
    }
    await removeRoutes(cluster, config.name, options.route, signal);
    if (options.autoscale === undefined) await removeOwned(cluster, 'horizontalpodautoscalers', config.name, signal);
    if (value === null) throw new FirstlightError('INTERNAL', 'No Deployment was applied.');
    const accel = kvm.resource === null ? `emulated: ${kvm.reason}` : `KVM: ${kvm.reason}`;
    return { value, detail: runtimeClass === null ? accel : `a container of RuntimeClass ${runtimeClass}` };
  });
  const { namespace, target } = cluster;
  const result = {
    target: target.name,
    namespace,
    name: config.name,
    image: pushed.reference,
    pushedBytes: pushed.sentBytes,
  };
  if (!options.wait) return { ...result, revision: revisionOf(applied), steps, answer: null };

  const revision = await step('rollout', 'Rolling out', async () => {
    const generation = applied.metadata.generation ?? 0;
    const { verdict, picture } = await watchRollout(cluster, {
      name: config.name,
      generation,
      graceMs: context.graceMs,
      signal,
      onVerdict: ({ message, trouble }) =>
        progress({ step: 'rollout', message: trouble[0] === undefined ? message : `${message}: ${trouble[0]}` }),
    });
    if (verdict.state === 'failed') {
      const lines = await readLastLines(cluster, picture);
      const went = options.rollback ? await goBack(cluster, config.name, before) : 'It was left as it is.';
      throw new FirstlightError('DEPLOY_FAILED', `${config.name} does not run on ${target.name}: ${verdict.message}`, {
        hint: went,
        details: { output: [...verdict.trouble, ...lines].join('\n'), subject: config.name },
      });
    }
    return { value: picture.deployment === null ? 0 : revisionOf(picture.deployment), detail: verdict.message };
  });
  const answer = await step('call', 'Calling it once', async () => {
    const value = await callOnce(cluster, config.name, signal);
    return { value, detail: `status ${value.status}` };
  });
  return { ...result, revision, steps, answer };
}

/**
 * Checks that the workload's references exist before anything is built or pushed. Errors: NOT_FOUND with the command
 * for it.
 */
async function checkReferences(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { pullSecret, registry } = cluster.target;
  await cluster.client.json('/version', { signal });
  if (pullSecret === null) return;
  try {
    const found = await nullIfMissing(cluster.client.json(pathOf(cluster, 'secrets', pullSecret), { signal }));
    if (found !== null) return;
  } catch (thrown) {
    // We may not see whether it exists: the nodes will report it.
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return;
    throw thrown;
  }
  const host = registry.split('/')[0];
  throw new FirstlightError('NOT_FOUND', `The namespace ${cluster.namespace} has no Secret "${pullSecret}".`, {
    hint: `kubectl -n ${cluster.namespace} create secret docker-registry ${pullSecret} --docker-server=${host} --docker-username=NAME --docker-password=PASSWORD`,
    details: { subject: pullSecret },
  });
}

/** The guest's last output: of the failing pod, also of the container before. */
async function readLastLines(cluster: Cluster, picture: RolloutPicture): Promise<string[]> {
  const [pod] = podsOf(newestReplicaSet(picture), picture.pods);
  if (pod === undefined) return [];
  for (const previous of ['true', 'false']) {
    const answer = await cluster.client.raw(`${pathOf(cluster, 'pods', pod.metadata.name)}/log`, {
      query: { tailLines: '15', previous },
    });
    if (answer.status === 200 && answer.text.trim() !== '') return answer.text.trimEnd().split('\n');
  }
  return [];
}

/** Deploying the same image again makes no new pods where its pods are well: its time stays. */
function deployedAtOf(before: DeploymentObject | null, image: string): string {
  const template = before?.spec.template;
  const isSame = before !== null && isSettled(before) && template?.spec.containers[0]?.image === image;
  return (
    (isSame ? template?.metadata?.annotations?.[annotationNames.deployedAt] : undefined) ?? new Date().toISOString()
  );
}

/** Restores the previous state. Shape: a note on it for a person. */
async function goBack(cluster: Cluster, name: string, before: DeploymentObject | null): Promise<string> {
  try {
    if (before === null) {
      await removeFunction(cluster, name);
      return 'It was new, so it was taken away again.';
    }
    await applyTemplate(cluster, before, before.spec.template, { force: true });
    return `It went back to revision ${revisionOf(before)}.`;
  } catch (thrown) {
    return `It could not go back: ${toFirstlightError(thrown).message}`;
  }
}

/** One request through the API server, which needs no route into the cluster. */
async function callOnce(cluster: Cluster, name: string, signal: AbortSignal) {
  const path = `${pathOf(cluster, 'services', `${name}:http`)}/proxy/`;
  for (const end = Date.now() + callTimeoutMs; ; await sleep(250, undefined, { signal })) {
    const { status, text } = await cluster.client.raw(path, { signal });
    // The Service learns of a pod a moment after the pod is ready.
    const isEarly = status === 503 || status === 502;
    if (!isEarly || Date.now() > end) return { status, body: text.slice(0, 4000) };
  }
}

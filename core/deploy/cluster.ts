/** One namespace of a cluster, and the operations on the objects of functions there. */

import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import { knativeGroup, knativeRevisions, knativeServices } from './knative/objects.ts';
import { createKubeClient, type KubeClient } from './kube/client.ts';
import type { PluginCredentials } from './kube/exec-credential.ts';
import { readKubeconfig } from './kube/kubeconfig.ts';
import type { DeploymentObject, KubeObject, NodeObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { kubevirtGroup, vmInstances, vmReplicaSets } from './kubevirt/objects.ts';
import { deploymentSelector, fieldManager, nameLabel, selectorOf } from './names.ts';

export interface Cluster {
  readonly client: KubeClient;
  readonly target: KubernetesTarget;
  readonly namespace: string;
}

/** Opens the cluster of a target. Sends no request yet. Errors: TARGET_INVALID. */
export async function openCluster(
  target: KubernetesTarget,
  env: NodeJS.ProcessEnv,
  plugins: PluginCredentials,
): Promise<Cluster> {
  const { kubeconfig: path, context, contained: isContained } = target;
  const access = await readKubeconfig({ path, context, env, isContained });
  return { client: createKubeClient(access, plugins), target, namespace: target.namespace ?? access.namespace };
}

/** The result of `work` with a target's cluster; the connections close afterwards. */
export async function withCluster<Result>(
  target: KubernetesTarget,
  env: NodeJS.ProcessEnv,
  plugins: PluginCredentials,
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const cluster = await openCluster(target, env, plugins);
  try {
    return await work(cluster);
  } finally {
    cluster.client.close();
  }
}

const groupPaths: Readonly<Record<string, string>> = {
  deployments: '/apis/apps/v1',
  replicasets: '/apis/apps/v1',
  horizontalpodautoscalers: '/apis/autoscaling/v2',
  ingresses: '/apis/networking.k8s.io/v1',
  httproutes: '/apis/gateway.networking.k8s.io/v1',
  [knativeServices]: `/apis/${knativeGroup}/v1`,
  [knativeRevisions]: `/apis/${knativeGroup}/v1`,
  [vmReplicaSets]: `/apis/${kubevirtGroup}/v1`,
  [vmInstances]: `/apis/${kubevirtGroup}/v1`,
};

/** The path of a kind of object in a namespace. Shape: a kind of an extension may have its group: `services.GROUP`. */
export function pathOf({ namespace }: Pick<Cluster, 'namespace'>, kind: string, name?: string): string {
  return `${groupPaths[kind] ?? '/api/v1'}/namespaces/${namespace}/${kind.split('.')[0]}${name === undefined ? '' : `/${name}`}`;
}

/** The kind of an object in the form that paths use. */
export function pluralOf({ apiVersion = '', kind = '' }: KubeObject): string {
  const [group = ''] = apiVersion.split('/');
  if (group === knativeGroup || group === kubevirtGroup) return `${kind.toLowerCase()}s.${group}`;
  return kind === 'Ingress' ? 'ingresses' : `${kind.toLowerCase()}s`;
}

export interface ApplyOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The cluster's object after a server-side apply. Errors: CONFLICT names the manager and the fields; CLUSTER_*. */
export async function applyObject<Value extends KubeObject>(
  cluster: Cluster,
  object: KubeObject,
  { force = false, dryRun = false, signal }: ApplyOptions = {},
): Promise<Value> {
  const path = pathOf(cluster, pluralOf(object), object.metadata.name);
  return await cluster.client.json<Value>(path, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager, force: String(force), ...(dryRun && { dryRun: 'All' }) },
    body: object,
    signal,
  });
}

/** The Deployment of a function; null when there is none. */
export async function findDeployment(
  cluster: Cluster,
  name: string,
  signal?: AbortSignal,
): Promise<DeploymentObject | null> {
  return await nullIfMissing(cluster.client.json<DeploymentObject>(pathOf(cluster, 'deployments', name), { signal }));
}

/** As `findDeployment`. Errors: NOT_FOUND. */
export async function getDeployment(cluster: Cluster, name: string, signal?: AbortSignal): Promise<DeploymentObject> {
  const found = await findDeployment(cluster, name, signal);
  if (found !== null) return found;
  throw new FirstlightError('NOT_FOUND', `No function "${name}" is deployed in ${cluster.namespace}.`, {
    hint: `firstlight deploy list --target ${cluster.target.name}`,
    details: { subject: name },
  });
}

export async function nullIfMissing<Value>(asked: Promise<Value>): Promise<Value | null> {
  try {
    return await asked;
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'NOT_FOUND') return null;
    throw thrown;
  }
}

interface List<Value> {
  readonly items?: readonly Value[];
}

async function list<Value>(cluster: Cluster, kind: string, selector: string, signal?: AbortSignal) {
  const found = await cluster.client.json<List<Value>>(pathOf(cluster, kind), {
    query: { labelSelector: selector },
    signal,
  });
  return found.items ?? [];
}

export const listDeployments = (cluster: Cluster, signal?: AbortSignal): Promise<readonly DeploymentObject[]> =>
  list(cluster, 'deployments', deploymentSelector, signal);
export const listReplicaSets = (
  cluster: Cluster,
  name: string,
  signal?: AbortSignal,
): Promise<readonly ReplicaSetObject[]> => list(cluster, 'replicasets', selectorOf(name), signal);
export const listPods = (cluster: Cluster, name: string, signal?: AbortSignal): Promise<readonly PodObject[]> =>
  list(cluster, 'pods', selectorOf(name), signal);

/** More names than these do not fit into one request: a path has its limits. */
const maxNames = 50;
/** More requests than these at once are a burden to the cluster. */
const maxLists = 10;

/**
 * The ReplicaSets and pods of functions that are Deployments, which `all` in the namespace are: of those named, or of all
 * where most are named.
 */
export async function listPodsOf(cluster: Cluster, names: readonly string[], all: number, signal?: AbortSignal) {
  const isMost = names.length > maxNames && (names.length > all / 2 || names.length > maxNames * maxLists);
  const parts = isMost
    ? [null]
    : Array.from({ length: Math.ceil(names.length / maxNames) }, (_, index) =>
        names.slice(index * maxNames, (index + 1) * maxNames),
      );
  const selectors = parts.map((part) =>
    part === null ? deploymentSelector : `${deploymentSelector},${nameLabel} in (${part.join(',')})`,
  );
  const listAll = async <Value>(kind: string) =>
    (await Promise.all(selectors.map((selector) => list<Value>(cluster, kind, selector, signal)))).flat();
  const [replicaSets, pods] = await Promise.all([listAll<ReplicaSetObject>('replicasets'), listAll<PodObject>('pods')]);
  return { replicaSets, pods };
}

/** Device plugins' resources that give a pod `/dev/kvm`. */
const kvmResources = ['devices.kubevirt.io/kvm', 'squat.ai/kvm', 'github.com/kvm', 'smarter-devices/kvm'];

/** The resource by which a node offers KVM, or null and why not. */
export async function findKvmResource(
  { client }: Cluster,
  signal?: AbortSignal,
): Promise<{ readonly resource: string | null; readonly reason: string }> {
  try {
    const nodes = await client.json<List<NodeObject>>('/api/v1/nodes', { signal });
    for (const { status } of nodes.items ?? []) {
      const found = kvmResources.find((name) => Number(status?.allocatable?.[name] ?? 0) > 0);
      if (found !== undefined) return { resource: found, reason: `a node offers ${found}` };
    }
    return { resource: null, reason: 'no node offers KVM by a device plugin' };
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    if (error.code !== 'CLUSTER_DENIED') throw error;
    return { resource: null, reason: 'you may not look at nodes, so whether one offers KVM is not known' };
  }
}

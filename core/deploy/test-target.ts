import { toFirstlightError } from '#shared/errors.ts';
import { runtimeClassOf, type TargetCheck, usesKubevirt } from '#shared/model/deploy.ts';
import { checkRuntimeClass } from './check-runtime-class.ts';
import { type Cluster, findKvmResource, nullIfMissing, pathOf } from './cluster.ts';
import type { DeployContext } from './deploy-context.ts';
import { knativeGroup } from './knative/objects.ts';
import type { KubeObject } from './kube/objects.ts';
import { hasKubevirt } from './kubevirt/find-sets.ts';
import { kubevirtGroup } from './kubevirt/objects.ts';
import { bindingFor, findLacking, neededRights, rightsTo, usefulRights } from './rights.ts';
import { gatewayGroup } from './route.ts';
import { tryPull } from './try-pull.ts';

/** Commands that provide what is missing, by the files of those who make it. */
const installKvmPlugin =
  'kubectl -n kube-system apply -f https://raw.githubusercontent.com/kubevirt/kubernetes-device-plugins/master/manifests/kvm-ds.yml';
const knativeFiles = 'https://github.com/knative/serving/releases/latest/download';
const installKnative = `kubectl apply -f ${knativeFiles}/serving-crds.yaml -f ${knativeFiles}/serving-core.yaml # then a network layer: https://knative.dev/docs/install`;
const kubevirtFiles = 'https://github.com/kubevirt/kubevirt/releases/latest/download';
const installKubevirt = `kubectl apply -f ${kubevirtFiles}/kubevirt-operator.yaml -f ${kubevirtFiles}/kubevirt-cr.yaml`;

/**
 * Checks everything that a deploy needs of a cluster; one pod is tried. A failed check is a finding, not an error. Errors:
 * CANCELLED.
 */
export async function testTarget(
  cluster: Cluster,
  context: Pick<DeployContext, 'layout' | 'supervisorPath' | 'env'>,
  signal: AbortSignal,
): Promise<readonly TargetCheck[]> {
  const reached = await reach(cluster, signal);
  if (reached.status === 'failed') return [reached];
  const runtimeClass = runtimeClassOf(cluster.target);
  return [
    reached,
    ...(await Promise.all([
      checkNamespace(cluster, signal),
      checkRights(cluster, signal),
      checkKvm(cluster, signal),
      checkPull(cluster, context, signal),
      checkAutoscaling(cluster, signal),
      checkSecretRights(cluster, signal),
      checkRouteRights(cluster, signal),
      checkOffers(cluster, signal),
      ...(runtimeClass === null ? [] : [checkRuntimeClass(cluster, runtimeClass, signal)]),
      ...(usesKubevirt(cluster.target) ? [checkMachines(cluster, signal)] : []),
      ...(cluster.target.workload === 'knative' ? [checkWorkload(cluster, signal)] : []),
    ])),
  ];
}

async function checkPull(
  cluster: Cluster,
  context: Pick<DeployContext, 'layout' | 'supervisorPath' | 'env'>,
  signal: AbortSignal,
): Promise<TargetCheck> {
  const secret = await checkPullSecret(cluster, signal);
  return secret.status === 'failed' ? secret : await tryPull(cluster, context, signal);
}

/** An autoscaler needs rights of its own, and the metrics of pods. */
async function checkAutoscaling(cluster: Cluster, signal: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'autoscale', title: 'Autoscaling' } as const;
  const lacking = await findLacking(
    cluster,
    rightsTo('autoscaling', 'horizontalpodautoscalers', ['get', 'patch', 'delete']),
    signal,
  );
  if (lacking.length > 0) {
    return { ...base, status: 'warning', found: `You may not: ${lacking.join(', ')}.`, fix: bindingFor(cluster) };
  }
  if ((await listGroups(cluster, signal)).has('metrics.k8s.io')) {
    return { ...base, status: 'ok', found: 'pods are measured, and bounds can be set', fix: null };
  }
  const fix =
    'kubectl apply -f https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml';
  return { ...base, status: 'warning', found: 'The cluster measures no pods: "autoscale" would do nothing.', fix };
}

/** A route needs rights of its own: where it is one of the Gateway API, to that. */
async function checkRouteRights(cluster: Cluster, signal: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'route', title: 'Routes' } as const;
  const hasGateway = (await listGroups(cluster, signal)).has(gatewayGroup);
  const verbs = ['get', 'patch', 'delete'] as const;
  const wanted = [
    ...rightsTo('networking.k8s.io', 'ingresses', verbs),
    ...(hasGateway ? rightsTo(gatewayGroup, 'httproutes', verbs) : []),
  ];
  const lacking = await findLacking(cluster, wanted, signal);
  if (lacking.length > 0) {
    return { ...base, status: 'warning', found: `You may not: ${lacking.join(', ')}.`, fix: bindingFor(cluster) };
  }
  return {
    ...base,
    status: 'ok',
    found: `can be set and taken back${hasGateway ? ', also HTTPRoutes' : ''}`,
    fix: null,
  };
}

async function checkSecretRights(cluster: Cluster, signal: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'secrets', title: 'Secrets' } as const;
  const wanted = rightsTo('', 'secrets', ['get', 'patch', 'delete']);
  const lacking = await findLacking(cluster, wanted, signal);
  if (lacking.length === 0) return { ...base, status: 'ok', found: 'can be checked and provided', fix: null };
  const found = `You may not: ${lacking.join(', ')}. Secrets of the cluster are then not checked beforehand.`;
  return { ...base, status: 'warning', found, fix: bindingFor(cluster) };
}

/** A Knative Service needs Knative, and rights of its own. */
async function checkWorkload(cluster: Cluster, signal: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'workload', title: 'Knative Serving' } as const;
  const { client } = cluster;
  if ((await nullIfMissing(client.json(`/apis/${knativeGroup}/v1`, { signal }))) === null) {
    return { ...base, status: 'failed', found: `The cluster has no ${knativeGroup}.`, fix: installKnative };
  }
  const wanted = [
    ...rightsTo(knativeGroup, 'services', ['get', 'list', 'patch', 'watch', 'delete']),
    ...rightsTo(knativeGroup, 'revisions', ['list', 'watch']),
  ];
  const lacking = await findLacking(cluster, wanted, signal);
  if (lacking.length === 0) return { ...base, status: 'ok', found: 'functions run as Knative Services', fix: null };
  return { ...base, status: 'failed', found: `You may not: ${lacking.join(', ')}.`, fix: bindingFor(cluster) };
}

/** Virtual machines need KubeVirt, and rights of their own. */
async function checkMachines(cluster: Cluster, signal: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'kubevirt', title: 'KubeVirt' } as const;
  if (!(await hasKubevirt(cluster, signal))) {
    return { ...base, status: 'failed', found: `The cluster has no ${kubevirtGroup}.`, fix: installKubevirt };
  }
  const wanted = [
    ...rightsTo(kubevirtGroup, 'virtualmachineinstancereplicasets', ['list', 'patch', 'watch', 'delete']),
    ...rightsTo(kubevirtGroup, 'virtualmachineinstances', ['list', 'watch']),
  ];
  const lacking = await findLacking(cluster, wanted, signal);
  if (lacking.length === 0) return { ...base, status: 'ok', found: 'functions run as virtual machines', fix: null };
  return { ...base, status: 'failed', found: `You may not: ${lacking.join(', ')}.`, fix: bindingFor(cluster) };
}

/** What the cluster offers beside what every cluster has. */
async function checkOffers(cluster: Cluster, signal: AbortSignal): Promise<TargetCheck> {
  const groups = await listGroups(cluster, signal);
  const names = async (path: string) => {
    const answer = await cluster.client.raw(path, { signal });
    if (answer.status !== 200) return [];
    const { items = [] } = JSON.parse(answer.text) as { readonly items?: readonly KubeObject[] };
    return items.map(({ metadata }) => metadata.name);
  };
  const [runtimes, ingresses] = await Promise.all([
    names('/apis/node.k8s.io/v1/runtimeclasses'),
    names('/apis/networking.k8s.io/v1/ingressclasses'),
  ]);
  const offers = [
    ...(runtimes.length > 0 ? [`RuntimeClasses ${runtimes.join(', ')}`] : []),
    ...(ingresses.length > 0 ? [`Ingress by ${ingresses.join(', ')}`] : []),
    ...(groups.has('gateway.networking.k8s.io') ? ['Gateway API'] : []),
    ...(groups.has('serving.knative.dev') ? ['Knative Serving'] : []),
    ...(groups.has('kubevirt.io') ? ['KubeVirt'] : []),
  ];
  const found = offers.length === 0 ? 'no RuntimeClass, Ingress, Gateway, Knative or KubeVirt' : offers.join('; ');
  return { id: 'offers', title: 'Also there', status: 'ok', found, fix: null };
}

/** The names of the cluster's API groups: a CRD's group is there when it is installed. */
async function listGroups({ client }: Cluster, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { groups = [] } = await client.json<{ readonly groups?: readonly { readonly name: string }[] }>('/apis', {
    signal,
  });
  return new Set(groups.map(({ name }) => name));
}

async function reach({ client }: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'reach', title: 'Cluster' } as const;
  try {
    const { gitVersion = 'unknown version' } = await client.json<{ gitVersion?: string }>('/version', { signal });
    return { ...base, status: 'ok', found: `Kubernetes ${gitVersion} at ${client.access.server.host}`, fix: null };
  } catch (thrown) {
    const { message, hint = null } = toFirstlightError(thrown);
    return { ...base, status: 'failed', found: message, fix: hint };
  }
}

async function checkNamespace({ client, namespace }: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'namespace', title: 'Namespace' } as const;
  try {
    const found = await nullIfMissing(client.json(`/api/v1/namespaces/${namespace}`, { signal }));
    if (found !== null) return { ...base, status: 'ok', found: namespace, fix: null };
    const fix = `kubectl create namespace ${namespace}`;
    return { ...base, status: 'failed', found: `There is no namespace ${namespace}.`, fix };
  } catch (thrown) {
    return { ...base, status: 'warning', found: toFirstlightError(thrown).message, fix: null };
  }
}

async function checkRights(cluster: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'rights', title: 'Rights' } as const;
  const lacking = await findLacking(cluster, neededRights, signal);
  const fix = bindingFor(cluster);
  if (lacking.length > 0) return { ...base, status: 'failed', found: `You may not: ${lacking.join(', ')}.`, fix };
  const unseen = await findLacking(cluster, usefulRights, signal);
  if (unseen.length === 0) {
    return { ...base, status: 'ok', found: `all that a deploy needs in ${cluster.namespace}`, fix: null };
  }
  const found = `You may not: ${unseen.join(', ')}. A deploy works without; why pods fail, a cold start or a POST is then not had.`;
  return { ...base, status: 'warning', found, fix };
}

async function checkKvm(cluster: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const { resource, reason } = await findKvmResource(cluster, signal);
  const base = { id: 'kvm', title: 'Acceleration' } as const;
  if (resource !== null) return { ...base, status: 'ok', found: reason, fix: null };
  return { ...base, status: 'warning', found: `Guests are emulated: ${reason}.`, fix: installKvmPlugin };
}

async function checkPullSecret(cluster: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const { pullSecret, registry } = cluster.target;
  const base = { id: 'pull', title: 'Pull secret' } as const;
  if (pullSecret === null) return { ...base, status: 'ok', found: 'none: nodes pull as they are set up to', fix: null };
  try {
    const found = await nullIfMissing(cluster.client.json(pathOf(cluster, 'secrets', pullSecret), { signal }));
    if (found !== null) return { ...base, status: 'ok', found: pullSecret, fix: null };
  } catch (thrown) {
    return { ...base, status: 'warning', found: toFirstlightError(thrown).message, fix: null };
  }
  const host = registry.split('/')[0];
  const fix = `kubectl -n ${cluster.namespace} create secret docker-registry ${pullSecret} --docker-server=${host} --docker-username=NAME --docker-password=PASSWORD`;
  return { ...base, status: 'failed', found: `There is no Secret ${pullSecret}.`, fix };
}

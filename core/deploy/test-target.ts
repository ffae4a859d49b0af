import { toFirstlightError } from '#shared/errors.ts';
import type { TargetCheck } from '#shared/model/deploy.ts';
import { type Cluster, findKvmResource, nullIfMissing, pathOf } from './cluster.ts';

/** The actions of a deploy on a cluster. Source: SelfSubjectAccessReview, `authorization.k8s.io/v1`. */
const neededRights = [
  { group: 'apps', resource: 'deployments', verb: 'patch' },
  { group: 'apps', resource: 'deployments', verb: 'watch' },
  { group: 'apps', resource: 'replicasets', verb: 'list' },
  { group: '', resource: 'services', verb: 'patch' },
  { group: '', resource: 'pods', verb: 'list' },
  { group: '', resource: 'pods', subresource: 'log', verb: 'get' },
  { group: '', resource: 'services', subresource: 'proxy', verb: 'get' },
] as const;

/** Checks everything that a deploy needs of a cluster. A failed check is a finding, not an error. */
export async function testTarget(cluster: Cluster, signal?: AbortSignal): Promise<readonly TargetCheck[]> {
  const reached = await reach(cluster, signal);
  if (reached.status === 'failed') return [reached];
  return [
    reached,
    ...(await Promise.all([
      checkNamespace(cluster, signal),
      checkRights(cluster, signal),
      checkKvm(cluster, signal),
      checkPullSecret(cluster, signal),
    ])),
  ];
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

async function checkRights({ client, namespace, target }: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'rights', title: 'Rights' } as const;
  const lacking: string[] = [];
  for (const right of neededRights) {
    const review = await client.json<{ status?: { allowed?: boolean } }>(
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {
        method: 'POST',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { namespace, ...right } },
        },
        signal,
      },
    );
    const name = 'subresource' in right ? `${right.resource}/${right.subresource}` : right.resource;
    if (review.status?.allowed !== true) lacking.push(`${right.verb} ${name}`);
  }
  if (lacking.length === 0)
    return { ...base, status: 'ok', found: `all that a deploy needs in ${namespace}`, fix: null };
  const fix = `kubectl -n ${namespace} create rolebinding firstlight-${target.name} --clusterrole=edit --user=YOU`;
  return { ...base, status: 'failed', found: `You may not: ${lacking.join(', ')}.`, fix };
}

async function checkKvm(cluster: Cluster, signal?: AbortSignal): Promise<TargetCheck> {
  const { resource, reason } = await findKvmResource(cluster, signal);
  const base = { id: 'kvm', title: 'Acceleration' } as const;
  if (resource !== null) return { ...base, status: 'ok', found: reason, fix: null };
  return { ...base, status: 'warning', found: `Guests are emulated: ${reason}.`, fix: 'Install a KVM device plugin.' };
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

/** What a user may do in a cluster's namespace. */
import type { Cluster } from './cluster.ts';

export interface Right {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
}

export const rightsTo = (group: string, resource: string, verbs: readonly string[]): readonly Right[] =>
  verbs.map((verb) => ({ group, resource, verb }));

/** The actions of a deploy, and of what takes it back. */
export const neededRights: readonly Right[] = [
  ...rightsTo('apps', 'deployments', ['get', 'list', 'patch', 'watch', 'delete']),
  ...rightsTo('apps', 'replicasets', ['list', 'watch']),
  ...rightsTo('', 'services', ['get', 'patch', 'delete']),
  ...rightsTo('', 'pods', ['list', 'watch']),
  { group: '', resource: 'pods', subresource: 'log', verb: 'get' },
  { group: '', resource: 'services', subresource: 'proxy', verb: 'get' },
];

/** What is asked of the cluster besides, and left out where it may not be: events, marks of a cold start, requests with a body. */
export const usefulRights: readonly Right[] = [
  ...rightsTo('', 'events', ['list']),
  { group: '', resource: 'pods', subresource: 'proxy', verb: 'get' },
  { group: '', resource: 'services', subresource: 'proxy', verb: 'create' },
];

/** The rights that the user lacks in the namespace. Source: SelfSubjectAccessReview, `authorization.k8s.io/v1`. */
export async function findLacking(
  { client, namespace }: Cluster,
  rights: readonly Right[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const lacking: string[] = [];
  for (const right of rights) {
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
    const name = right.subresource === undefined ? right.resource : `${right.resource}/${right.subresource}`;
    if (review.status?.allowed !== true) lacking.push(`${right.verb} ${name}`);
  }
  return lacking;
}

export const bindingFor = ({ namespace, target }: Cluster): string =>
  `kubectl -n ${namespace} create rolebinding firstlight-${target.name} --clusterrole=edit --user=YOU`;

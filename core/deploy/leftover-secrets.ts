/** Secrets of first deploys that were ended before anything else of them was applied: no other object names them. */
import { toFirstlightError } from '#shared/errors.ts';
import type { Deployment } from '#shared/model/deploy.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { metadataOf } from './kube/follow.ts';
import type { KubeObject } from './kube/objects.ts';
import { annotationNames, managedSelector, nameLabel } from './names.ts';
import { secretNameOf } from './secrets.ts';

/** The Secrets that are ours, without their values; none where one may not see them. Errors: CLUSTER_*. */
export async function listOwnSecrets(cluster: Cluster, signal?: AbortSignal): Promise<readonly KubeObject[]> {
  try {
    const found = await cluster.client.json<{ readonly items?: readonly KubeObject[] }>(pathOf(cluster, 'secrets'), {
      query: { labelSelector: managedSelector },
      accept: metadataOf.list,
      signal,
    });
    return found.items ?? [];
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return [];
    throw thrown;
  }
}

/**
 * The functions of which there is a Secret only. Shape: `known` are the names of those that run; `seesKnative` is false
 * where one may not see Knative Services, of which one may have the Secret.
 */
export function describeLeftovers(
  { target, namespace }: Pick<Cluster, 'target' | 'namespace'>,
  secrets: readonly KubeObject[],
  known: ReadonlySet<string>,
  seesKnative: boolean,
): readonly Deployment[] {
  return secrets.flatMap(({ metadata }) => {
    const name = metadata.labels?.[nameLabel];
    if (name === undefined || metadata.name !== secretNameOf(name) || known.has(name)) return [];
    // A function on KubeVirt has no Secret of ours.
    const kind = metadata.annotations?.[annotationNames.workload];
    if (kind !== 'deployment' && !seesKnative) return [];
    const since = metadata.creationTimestamp ?? '';
    return {
      target: target.name,
      namespace,
      name,
      workload: kind === 'knative' ? ('knative' as const) : ('deployment' as const),
      state: 'progressing' as const,
      message: `of the deploy of ${since} only the Secret ${metadata.name} is there; if it was ended, deploy again or undeploy`,
      replicas: { wanted: 0, ready: 0, updated: 0 },
      traffic: [],
      revision: 0,
      image: '',
      runtime: '',
      deployedAt: since,
      endpoint: `http://${name}.${namespace}`,
    };
  });
}

import { toFirstlightError } from '#shared/errors.ts';
import { type Cluster, nullIfMissing, pathOf } from './cluster.ts';
import type { KubeObject } from './kube/objects.ts';
import { managedBy } from './names.ts';

/** True for an object that a deploy of Firstlight made. */
export const isOurs = ({ metadata: { labels } }: KubeObject): boolean =>
  Object.entries(managedBy).every(([key, value]) => labels?.[key] === value);

/**
 * Deletes an object that exists and is ours. An object that we may not read was not made by us: it stays.
 *
 * Errors: CLUSTER_DENIED for one of ours that we may not delete; CLUSTER_*.
 */
export async function removeOwned(cluster: Cluster, kind: string, name: string, signal?: AbortSignal): Promise<void> {
  const path = pathOf(cluster, kind, name);
  const found = await cluster.client.json<KubeObject>(path, { signal }).catch((thrown: unknown) => {
    const { code } = toFirstlightError(thrown);
    if (code === 'NOT_FOUND' || code === 'CLUSTER_DENIED') return null;
    throw thrown;
  });
  if (found === null || !isOurs(found)) return;
  await nullIfMissing(cluster.client.json(path, { method: 'DELETE', signal }));
}

import { toFirstlightError } from '#shared/errors.ts';
import { type Cluster, nullIfMissing, pathOf } from './cluster.ts';
import type { KubeObject } from './kube/objects.ts';
import { managedBy } from './names.ts';

/** True for an object that a deploy of Firstlight made. */
export const isOurs = ({ metadata: { labels } }: KubeObject): boolean =>
  Object.entries(managedBy).every(([key, value]) => labels?.[key] === value);

/**
 * Deletes an object that exists and is ours. An object that we may not read was not made by us: it stays. Errors:
 * CLUSTER_*.
 */
export async function removeOwned(cluster: Cluster, kind: string, name: string, signal?: AbortSignal): Promise<void> {
  const path = pathOf(cluster, kind, name);
  try {
    const found = await nullIfMissing(cluster.client.json<KubeObject>(path, { signal }));
    if (found !== null && isOurs(found)) await cluster.client.json(path, { method: 'DELETE', signal });
  } catch (thrown) {
    if (toFirstlightError(thrown).code !== 'CLUSTER_DENIED') throw thrown;
  }
}

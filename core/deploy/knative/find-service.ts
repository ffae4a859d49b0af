import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Cluster, nullIfMissing, pathOf } from '../cluster.ts';
import { managedSelector } from '../names.ts';
import {
  type KnativeRevision,
  type KnativeService,
  knativeGroup,
  knativeLabels,
  knativeRevisions,
  knativeServices,
} from './objects.ts';

interface List<Value> {
  readonly items?: readonly Value[];
}

/**
 * The Knative Service of a function. Shape: null where there is none, or no Knative, or where one may not see any: a user
 * without rights to an extension is refused whether it is installed or not.
 *
 * Errors: CLUSTER_*.
 */
export const findKnativeService = (
  cluster: Cluster,
  name: string,
  signal?: AbortSignal,
): Promise<KnativeService | null> =>
  readOrNull(cluster.client.json<KnativeService>(pathOf(cluster, knativeServices, name), { signal }));

async function readOrNull<Value>(asked: Promise<Value>): Promise<Value | null> {
  try {
    return await asked;
  } catch (thrown) {
    const { code } = toFirstlightError(thrown);
    if (code === 'NOT_FOUND' || code === 'CLUSTER_DENIED') return null;
    throw thrown;
  }
}

/** The revisions of one function, or of all. Errors: CLUSTER_*. */
export async function listKnativeRevisions(
  cluster: Cluster,
  name: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KnativeRevision[]> {
  const labelSelector = name === undefined ? managedSelector : `${knativeLabels.service}=${name}`;
  const path = pathOf(cluster, knativeRevisions);
  const found = await readOrNull(
    cluster.client.json<List<KnativeRevision>>(path, { query: { labelSelector }, signal }),
  );
  return found?.items ?? [];
}

/** The functions that run as Knative Services. Shape: none where there is no Knative; null where one may not see them. */
export async function listKnativeServices(
  cluster: Cluster,
  signal?: AbortSignal,
): Promise<readonly KnativeService[] | null> {
  const path = pathOf(cluster, knativeServices);
  const query = { labelSelector: managedSelector };
  try {
    const found = await nullIfMissing(cluster.client.json<List<KnativeService>>(path, { query, signal }));
    return found?.items ?? [];
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return null;
    throw thrown;
  }
}

/** Checks that the cluster has Knative Serving. Errors: MACHINE_UNSUPPORTED. */
export async function checkKnative({ client, target }: Cluster, signal?: AbortSignal): Promise<void> {
  const group = await nullIfMissing(client.json(`/apis/${knativeGroup}/v1`, { signal }));
  if (group !== null) return;
  throw new FirstlightError('MACHINE_UNSUPPORTED', `The cluster of ${target.name} has no Knative Serving.`, {
    hint: 'Have it installed (https://knative.dev/docs/install), or use the workload "deployment".',
    details: { subject: target.name },
  });
}

import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Cluster, nullIfMissing, pathOf } from '../cluster.ts';
import { managedSelector, selectorOf } from '../names.ts';
import {
  functionOf,
  kubevirtGroup,
  newestOf,
  revisionLabel,
  revisionOfSet,
  type VmInstance,
  type VmReplicaSet,
  vmInstances,
  vmReplicaSets,
} from './objects.ts';

/**
 * The sets of one function, or of all. Shape: none where there is no KubeVirt, or where one may not see any: a user
 * without rights to an extension is refused whether it is installed or not.
 *
 * Errors: CLUSTER_*.
 */
export async function listVmSets(
  cluster: Cluster,
  name: string | undefined,
  signal?: AbortSignal,
): Promise<readonly VmReplicaSet[]> {
  try {
    const found = await cluster.client.json<{ readonly items?: readonly VmReplicaSet[] }>(
      pathOf(cluster, vmReplicaSets),
      { query: { labelSelector: name === undefined ? managedSelector : selectorOf(name) }, signal },
    );
    return found.items ?? [];
  } catch (thrown) {
    const { code } = toFirstlightError(thrown);
    if (code === 'NOT_FOUND' || code === 'CLUSTER_DENIED') return [];
    throw thrown;
  }
}

/** The set of a function's newest revision, or null. Errors: CLUSTER_*. */
export const findVmSet = async (cluster: Cluster, name: string, signal?: AbortSignal): Promise<VmReplicaSet | null> =>
  newestOf(await listVmSets(cluster, name, signal)) ?? null;

/** The machines of a set. Errors: CLUSTER_*. */
export async function listMachines(
  cluster: Cluster,
  set: VmReplicaSet,
  signal?: AbortSignal,
): Promise<readonly VmInstance[]> {
  const labelSelector = `${selectorOf(functionOf(set))},${revisionLabel}=${revisionOfSet(set)}`;
  const found = await cluster.client.json<{ readonly items?: readonly VmInstance[] }>(pathOf(cluster, vmInstances), {
    query: { labelSelector },
    signal,
  });
  return found.items ?? [];
}

/** True when the cluster has KubeVirt's API. Errors: CLUSTER_*. */
export const hasKubevirt = async ({ client }: Cluster, signal?: AbortSignal): Promise<boolean> =>
  (await nullIfMissing(client.json(`/apis/${kubevirtGroup}/v1`, { signal }))) !== null;

export const kubevirtInstall = 'https://kubevirt.io/user-guide/cluster_admin/installation';

/** Checks that the cluster has KubeVirt. Errors: MACHINE_UNSUPPORTED. */
export async function checkKubevirt(cluster: Cluster, signal?: AbortSignal): Promise<void> {
  if (await hasKubevirt(cluster, signal)) return;
  const { name } = cluster.target;
  throw new FirstlightError('MACHINE_UNSUPPORTED', `The cluster of ${name} has no KubeVirt.`, {
    hint: `Have it installed (${kubevirtInstall}), or use a target whose engine is "pod".`,
    details: { subject: name },
  });
}

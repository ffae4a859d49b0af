import type { EngineStream } from '#shared/contract/index.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { follow } from './kube/follow.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { describeAll } from './list-deployments.ts';
import { managedSelector } from './workload.ts';

/**
 * Writes the functions of a target as a line of JSON, and again each time the cluster reports a change; an identical
 * line is not repeated.
 *
 * Errors: CLUSTER_DENIED, CLUSTER_REFUSED, NOT_FOUND.
 */
export async function watchFunctions(
  cluster: Cluster,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  let last = '';
  let writing = Promise.resolve();
  await follow<DeploymentObject>(
    cluster.client,
    pathOf(cluster, 'deployments'),
    { labelSelector: managedSelector, signal },
    (found) => {
      const line = `${JSON.stringify(describeAll(cluster, found))}\n`;
      if (line === last) return;
      last = line;
      writing = writing.then(() => write(Buffer.from(line)));
    },
  );
  await writing;
}

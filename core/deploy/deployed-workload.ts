/** The object that runs a function, by the kind of workload. */
import type { WorkloadKind } from '#shared/model/deploy-section.ts';
import type { Cluster } from './cluster.ts';
import { openDeployment } from './deployment-workload.ts';
import { checkKnative } from './knative/find-service.ts';
import { openKnative, refuseUnfit } from './knative/knative-workload.ts';
import type { OpenWorkload, WorkloadPlan } from './open-workload.ts';

/**
 * Checks that the cluster and the workload can have what a plan asks for. Errors: BAD_INPUT; MACHINE_UNSUPPORTED
 * without Knative.
 */
export async function checkWorkload(
  cluster: Cluster,
  workload: WorkloadKind,
  plan: WorkloadPlan,
  signal: AbortSignal,
): Promise<void> {
  refuseUnfit(workload, plan);
  if (workload === 'knative') await checkKnative(cluster, signal);
}

/**
 * The object of a function as it is now, if it is there. Errors: CONFLICT when it is paused, or is of another kind;
 * CLUSTER_*.
 */
export const openWorkload = (
  cluster: Cluster,
  workload: WorkloadKind,
  name: string,
  signal: AbortSignal,
): Promise<OpenWorkload> =>
  workload === 'knative' ? openKnative(cluster, name, signal) : openDeployment(cluster, name, signal);

/** The object that runs a function, by the kind of workload. */

import { type KubernetesTarget, usesKubevirt } from '#shared/model/deploy.ts';
import type { WorkloadKind } from '#shared/model/deploy-section.ts';
import type { Cluster } from './cluster.ts';
import { openDeployment } from './deployment-workload.ts';
import { checkKnative } from './knative/find-service.ts';
import { openKnative, refuseUnfit } from './knative/knative-workload.ts';
import { checkKubevirt } from './kubevirt/find-sets.ts';
import { openKubevirt, refuseUnfitForVm } from './kubevirt/kubevirt-workload.ts';
import type { OpenWorkload, WorkloadPlan } from './open-workload.ts';

/** Errors: BAD_INPUT for settings that the kind of workload, or the engine of the target, cannot have. */
export function checkPlan(target: Pick<KubernetesTarget, 'engine'>, workload: WorkloadKind, plan: WorkloadPlan): void {
  if (usesKubevirt(target)) refuseUnfitForVm(workload, plan);
  else refuseUnfit(workload, plan);
}

/**
 * Checks that the cluster and the workload can have what a plan asks for. Errors: BAD_INPUT; MACHINE_UNSUPPORTED
 * without Knative or KubeVirt.
 */
export async function checkWorkload(
  cluster: Cluster,
  workload: WorkloadKind,
  plan: WorkloadPlan,
  signal: AbortSignal,
): Promise<void> {
  checkPlan(cluster.target, workload, plan);
  if (usesKubevirt(cluster.target)) await checkKubevirt(cluster, signal);
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
  usesKubevirt(cluster.target)
    ? openKubevirt(cluster, name, signal)
    : workload === 'knative'
      ? openKnative(cluster, name, signal)
      : openDeployment(cluster, name, signal);

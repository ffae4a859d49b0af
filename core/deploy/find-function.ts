import { FirstlightError } from '#shared/errors.ts';
import { type Cluster, findDeployment } from './cluster.ts';
import { findKnativeService } from './knative/find-service.ts';
import type { KnativeService } from './knative/objects.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { findVmSet } from './kubevirt/find-sets.ts';
import type { VmReplicaSet } from './kubevirt/objects.ts';

/** The object that runs a function. */
export type FoundFunction =
  | { readonly workload: 'deployment'; readonly deployment: DeploymentObject }
  | { readonly workload: 'knative'; readonly service: KnativeService }
  | { readonly workload: 'kubevirt'; readonly set: VmReplicaSet };

/** Finds what runs a function. Errors: NOT_FOUND; CLUSTER_*. */
export async function findFunction(cluster: Cluster, name: string, signal?: AbortSignal): Promise<FoundFunction> {
  const deployment = await findDeployment(cluster, name, signal);
  if (deployment !== null) return { workload: 'deployment', deployment };
  const service = await findKnativeService(cluster, name, signal);
  if (service !== null) return { workload: 'knative', service };
  const set = await findVmSet(cluster, name, signal);
  if (set !== null) return { workload: 'kubevirt', set };
  throw new FirstlightError('NOT_FOUND', `No function "${name}" is deployed in ${cluster.namespace}.`, {
    hint: `firstlight deploy list --target ${cluster.target.name}`,
    details: { subject: name },
  });
}

/** As `findFunction`. Errors: CONFLICT for any but a Knative Service: their revisions share no traffic. */
export async function findService(cluster: Cluster, name: string, signal?: AbortSignal): Promise<KnativeService> {
  const found = await findFunction(cluster, name, signal);
  if (found.workload === 'knative') return found.service;
  throw new FirstlightError('CONFLICT', `${name} is no Knative Service: it has one revision at a time.`, {
    hint: 'Traffic is split by Knative: "workload": "knative" in "deploy" of firstlight.json.',
    details: { subject: name },
  });
}

/** Errors: CONFLICT for a function that runs on KubeVirt, with `why`; CLUSTER_*. */
export async function refuseVm(cluster: Cluster, name: string, why: string): Promise<void> {
  if ((await findVmSet(cluster, name)) === null) return;
  throw new FirstlightError('CONFLICT', `${name} runs on KubeVirt: ${why}`, {
    hint: 'It changes by a deploy, a rollback or a scale only.',
    details: { subject: name },
  });
}

/** As `findFunction`. Errors: CONFLICT for a Knative Service, with `why` and what to do in its place. */
export async function refuseKnative(cluster: Cluster, name: string, why: string, hint: string): Promise<void> {
  const found = await findFunction(cluster, name);
  if (found.workload !== 'knative') return;
  throw new FirstlightError('CONFLICT', `${name} is a Knative Service: ${why}`, { hint, details: { subject: name } });
}

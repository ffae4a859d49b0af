import { FirstlightError } from '#shared/errors.ts';
import { type Cluster, findDeployment } from './cluster.ts';
import { findKnativeService } from './knative/find-service.ts';
import type { KnativeService } from './knative/objects.ts';
import type { DeploymentObject } from './kube/objects.ts';

/** The object that runs a function. */
export type FoundFunction =
  | { readonly workload: 'deployment'; readonly deployment: DeploymentObject }
  | { readonly workload: 'knative'; readonly service: KnativeService };

/** Finds what runs a function. Errors: NOT_FOUND; CLUSTER_*. */
export async function findFunction(cluster: Cluster, name: string, signal?: AbortSignal): Promise<FoundFunction> {
  const deployment = await findDeployment(cluster, name, signal);
  if (deployment !== null) return { workload: 'deployment', deployment };
  const service = await findKnativeService(cluster, name, signal);
  if (service !== null) return { workload: 'knative', service };
  throw new FirstlightError('NOT_FOUND', `No function "${name}" is deployed in ${cluster.namespace}.`, {
    hint: `firstlight deploy list --target ${cluster.target.name}`,
    details: { subject: name },
  });
}

/** As `findFunction`. Errors: CONFLICT for a Deployment, whose revisions share no traffic. */
export async function findService(cluster: Cluster, name: string, signal?: AbortSignal): Promise<KnativeService> {
  const found = await findFunction(cluster, name, signal);
  if (found.workload === 'knative') return found.service;
  throw new FirstlightError('CONFLICT', `${name} is a Deployment: it has one revision at a time.`, {
    hint: 'Traffic is split by Knative: "workload": "knative" in "deploy" of firstlight.json.',
    details: { subject: name },
  });
}

/** As `findFunction`. Errors: CONFLICT for a Knative Service, with `why` and what to do in its place. */
export async function refuseKnative(cluster: Cluster, name: string, why: string, hint: string): Promise<void> {
  const found = await findFunction(cluster, name);
  if (found.workload === 'deployment') return;
  throw new FirstlightError('CONFLICT', `${name} is a Knative Service: ${why}`, { hint, details: { subject: name } });
}

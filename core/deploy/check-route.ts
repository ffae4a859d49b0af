import { FirstlightError } from '#shared/errors.ts';
import type { Route } from '#shared/model/deploy-section.ts';
import { type Cluster, nullIfMissing } from './cluster.ts';
import { removeOwned } from './remove-owned.ts';
import { gatewayGroup } from './route.ts';

/** The kinds of a function's routes. */
export const routeKinds = ['ingresses', 'httproutes'] as const;

/** Checks that the cluster can have the route. Errors: NOT_FOUND; MACHINE_UNSUPPORTED without the Gateway API. */
export async function checkRoute({ client, target }: Cluster, route: Route | undefined, signal: AbortSignal) {
  if (route?.gateway !== undefined) {
    const group = await nullIfMissing(client.json(`/apis/${gatewayGroup}/v1`, { signal }));
    if (group !== null) return;
    throw new FirstlightError('MACHINE_UNSUPPORTED', `The cluster of ${target.name} has no Gateway API.`, {
      hint: 'Have it installed, or take "gateway" out of "deploy.route": an Ingress is used then.',
    });
  }
  if (route?.ingressClass === undefined) return;
  const path = `/apis/networking.k8s.io/v1/ingressclasses/${route.ingressClass}`;
  // A class belongs to the whole cluster: who may not read it is told by the controller.
  const { status } = await client.raw(path, { signal });
  if (status !== 404) return;
  throw new FirstlightError(
    'NOT_FOUND',
    `The cluster of ${target.name} has no Ingress class "${route.ingressClass}".`,
    {
      hint: 'kubectl get ingressclasses',
      details: { subject: route.ingressClass },
    },
  );
}

/** Removes the routes of a function. Errors: CLUSTER_*. */
export async function removeRoutes(cluster: Cluster, name: string): Promise<void> {
  for (const kind of routeKinds) await removeOwned(cluster, kind, name);
}

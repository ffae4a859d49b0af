import { FirstlightError } from '#shared/errors.ts';
import { type Cluster, pathOf } from '../cluster.ts';
import type { KubeAnswer, KubeRequest } from '../kube/client.ts';
import type { KnativeService } from './objects.ts';

interface RevisionCall extends Pick<KubeRequest, 'method' | 'body' | 'signal'> {
  readonly path: string;
}

/** Where Knative Serving runs. */
const servingNamespace = 'knative-serving';

/**
 * The answer of a revision to a request by way of the API server: from its pods, or while there is none by Knative's
 * activator, which has one started. The API server leads to pods of the same namespace only, so that the activator is
 * asked by its own Service; the headers say for which revision.
 *
 * Errors: CLUSTER_UNREACHABLE; CLUSTER_DENIED where it is at zero and one may not use the activator; CANCELLED.
 */
export async function callRevision(
  cluster: Cluster,
  revision: string,
  { path, ...request }: RevisionCall,
): Promise<KubeAnswer> {
  const own = await cluster.client.raw(
    `${pathOf(cluster, 'services', `${revision}-private:http`)}/proxy${path}`,
    request,
  );
  if (own.status !== 503 || !own.text.includes('no endpoints available for service')) return own;
  const activator = pathOf({ namespace: servingNamespace }, 'services', 'activator-service:http');
  const answer = await cluster.client.raw(`${activator}/proxy${path}`, {
    ...request,
    headers: { 'knative-serving-namespace': cluster.namespace, 'knative-serving-revision': revision },
  });
  if (answer.status !== 403 || !answer.text.includes('"kind":"Status"')) return answer;
  throw new FirstlightError('CLUSTER_DENIED', `${revision} has no pod, and you may not have one started this way.`, {
    hint: `Ask for the right to proxy to services in ${servingNamespace}, or send the request to its endpoint.`,
    details: { subject: revision },
  });
}

/** The revision for a request, drawn by the shares of traffic. Shape: `at` lies from 0 to below 1. */
export function chooseRevision({ status }: KnativeService, at: number): string | undefined {
  const shares = status?.traffic?.filter(({ percent = 0 }) => percent > 0) ?? [];
  let left = at * 100;
  for (const { revisionName, percent = 0 } of shares) {
    if (left < percent) return revisionName;
    left -= percent;
  }
  return status?.latestReadyRevisionName;
}

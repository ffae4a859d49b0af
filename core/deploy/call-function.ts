import type { CallOutput, CallRequest } from '#shared/contract/index.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { callRevision, chooseRevision } from './knative/call-revision.ts';
import { findKnativeService } from './knative/find-service.ts';

/** The function's answer to a request that goes through the API server: no route into the cluster is needed. Errors: CLUSTER_*. */
export async function callFunction(
  cluster: Cluster,
  { name, method, path, body }: Omit<CallRequest<'deploy:invoke'>, 'target'>,
  signal?: AbortSignal,
): Promise<CallOutput<'deploy:invoke'>> {
  const request = { method: methodOf(method), ...(body !== null && { body }), signal };
  const service = await findKnativeService(cluster, name, signal);
  const revision = service === null ? undefined : chooseRevision(service, Math.random());
  const { status, headers, text } =
    revision === undefined
      ? await cluster.client.raw(`${pathOf(cluster, 'services', `${name}:http`)}/proxy${path}`, request)
      : await callRevision(cluster, revision, { path, ...request });
  return { status, contentType: headers['content-type'] ?? '', body: text };
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const methodOf = (asked: string) => methods.find((method) => method === asked) ?? 'GET';

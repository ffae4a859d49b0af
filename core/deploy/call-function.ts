import type { CallOutput, CallRequest } from '#shared/contract/index.ts';
import { type Cluster, pathOf } from './cluster.ts';

/** The function's answer to a request that goes through the API server: no route into the cluster is needed. Errors: CLUSTER_*. */
export async function callFunction(
  cluster: Cluster,
  { name, method, path, body }: Omit<CallRequest<'deploy:invoke'>, 'target'>,
  signal?: AbortSignal,
): Promise<CallOutput<'deploy:invoke'>> {
  const { status, headers, text } = await cluster.client.raw(
    `${pathOf(cluster, 'services', `${name}:http`)}/proxy${path}`,
    { method: methodOf(method), ...(body !== null && { body }), signal },
  );
  return { status, contentType: headers['content-type'] ?? '', body: text };
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const methodOf = (asked: string) => methods.find((method) => method === asked) ?? 'GET';

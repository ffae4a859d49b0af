import { toFirstlightError } from '#shared/errors.ts';
import type { TargetCheck } from '#shared/model/deploy.ts';
import { type Cluster, nullIfMissing } from './cluster.ts';
import type { KubeObject } from './kube/objects.ts';

const pathOfClass = (name: string) => `/apis/node.k8s.io/v1/runtimeclasses/${encodeURIComponent(name)}`;

/** The RuntimeClass of a cluster; null where there is none of that name. Errors: CLUSTER_*. */
export const findRuntimeClass = async ({ client }: Cluster, name: string, signal?: AbortSignal) =>
  await nullIfMissing(client.json<KubeObject & { readonly handler?: string }>(pathOfClass(name), { signal }));

/** Whether the RuntimeClass of a target's engine is there. That nodes have its handler, only a pod shows. */
export async function checkRuntimeClass(cluster: Cluster, name: string, signal: AbortSignal): Promise<TargetCheck> {
  const base = { id: 'runtime-class', title: 'RuntimeClass' } as const;
  try {
    const found = await findRuntimeClass(cluster, name, signal);
    if (found !== null)
      return { ...base, status: 'ok', found: `${name}, with the handler ${found.handler}`, fix: null };
    return {
      ...base,
      status: 'failed',
      found: `There is no RuntimeClass "${name}".`,
      fix: 'kubectl get runtimeclasses',
    };
  } catch (thrown) {
    const { code, message } = toFirstlightError(thrown);
    if (code === 'CANCELLED') throw thrown;
    return { ...base, status: 'warning', found: message, fix: null };
  }
}

/** The resources that a function's pods use, as the cluster measures them. */
import { z } from 'zod';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { ReplicaStats } from '#shared/model/deploy.ts';
import { type Cluster, listPods } from './cluster.ts';
import { findFunction } from './find-function.ts';
import type { PodObject } from './kube/objects.ts';
import { selectorOf } from './names.ts';

type Usage = Pick<ReplicaStats, 'cpuPercent' | 'memoryBytes'>;

/** Source: the API metrics.k8s.io/v1beta1. */
const podMetricsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      containers: z.array(z.object({ usage: z.object({ cpu: z.string(), memory: z.string() }) })),
    }),
  ),
});

/** Source: the kubelet's API `stats/summary`. */
const summarySchema = z.object({
  pods: z.array(
    z.object({
      podRef: z.object({ name: z.string(), namespace: z.string() }),
      cpu: z.object({ usageNanoCores: z.number().optional() }).optional(),
      memory: z.object({ workingSetBytes: z.number().optional() }).optional(),
    }),
  ),
});

/**
 * The use of each pod: from the metrics API where the cluster has one, else from the kubelets.
 *
 * Errors: NOT_FOUND; CLUSTER_DENIED where neither may be read, with the command that installs a metrics API; CLUSTER_*.
 */
export async function readPodStats(cluster: Cluster, name: string, signal: AbortSignal): Promise<ReplicaStats[]> {
  await findFunction(cluster, name, signal);
  const pods = await listPods(cluster, name, signal);
  const [source, usages] =
    pods.length === 0
      ? (['metrics', new Map<string, Usage>()] as const)
      : await readUsages(cluster, name, pods, signal);
  return pods.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    place: spec?.nodeName ?? '',
    cpuPercent: usages.get(metadata.name)?.cpuPercent ?? null,
    memoryBytes: usages.get(metadata.name)?.memoryBytes ?? null,
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    source,
  }));
}

async function readUsages(cluster: Cluster, name: string, pods: readonly PodObject[], signal: AbortSignal) {
  try {
    return ['metrics', await readMetrics(cluster, name, signal)] as const;
  } catch (thrown) {
    const { code } = toFirstlightError(thrown);
    if (code !== 'NOT_FOUND' && code !== 'CLUSTER_DENIED') throw thrown;
  }
  try {
    return ['kubelet', await readKubelets(cluster, pods, signal)] as const;
  } catch (thrown) {
    if (toFirstlightError(thrown).code !== 'CLUSTER_DENIED') throw thrown;
    throw new FirstlightError('CLUSTER_DENIED', 'This cluster has no metrics API, and its kubelets may not be asked.', {
      hint: 'Install one: kubectl apply -f https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml',
      cause: thrown,
    });
  }
}

async function readMetrics(cluster: Cluster, name: string, signal: AbortSignal): Promise<Map<string, Usage>> {
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${cluster.namespace}/pods`;
  const answer = await cluster.client.json(path, { query: { labelSelector: selectorOf(name) }, signal });
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return new Map(
    podMetricsSchema.parse(answer).items.map(({ metadata, containers }) => [
      metadata.name,
      {
        cpuPercent: 100 * sum(containers.map(({ usage }) => readQuantity(usage.cpu))),
        memoryBytes: sum(containers.map(({ usage }) => readQuantity(usage.memory))),
      },
    ]),
  );
}

async function readKubelets(
  { client, namespace }: Cluster,
  pods: readonly PodObject[],
  signal: AbortSignal,
): Promise<Map<string, Usage>> {
  const nodes = new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []));
  const summaries = await Promise.all(
    [...nodes].map((node) => client.json(`/api/v1/nodes/${node}/proxy/stats/summary`, { signal })),
  );
  const found = summaries.flatMap((summary) => summarySchema.parse(summary).pods);
  return new Map(
    found
      .filter(({ podRef }) => podRef.namespace === namespace)
      .map(({ podRef, cpu, memory }) => [
        podRef.name,
        {
          cpuPercent: cpu?.usageNanoCores === undefined ? null : cpu.usageNanoCores / 1e7,
          memoryBytes: memory?.workingSetBytes ?? null,
        },
      ]),
  );
}

const suffixes: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** A quantity of Kubernetes as a number; NaN for other text. Source: its API's conventions, "Quantity". */
export function readQuantity(text: string): number {
  const [, digits = '', suffix = ''] = /^(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(text) ?? [];
  return digits === '' ? Number.NaN : Number(digits) * (suffixes[suffix] ?? Number.NaN);
}

/** A pod whose node does not answer: nobody updates the pod's own words any more. */
import type { PodObject } from './kube/objects.ts';

/**
 * What to say of a pod on a node that does not answer, or null. The cluster then makes the pod unready by itself, and
 * its containers stay ready as the kubelet last wrote them. Source: the node lifecycle controller of Kubernetes 1.34.
 */
export function describeLostNode({ spec, status }: PodObject): string | null {
  const node = spec?.nodeName;
  if (node === undefined) return null;
  const conditionOf = (wanted: string) => status?.conditions?.find(({ type }) => type === wanted);
  const ready = conditionOf('Ready');
  const isOverruled =
    ready?.status === 'False' &&
    ready.reason !== 'ReadinessGatesNotReady' &&
    conditionOf('ContainersReady')?.status === 'True';
  if (!isOverruled && status?.reason !== 'NodeLost' && status?.phase !== 'Unknown') return null;
  return `its node ${node} does not answer; start it again, or remove it from the cluster (kubectl describe node ${node})`;
}

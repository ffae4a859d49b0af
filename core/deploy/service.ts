import type { KubeObject } from './kube/objects.ts';
import { labelsOf } from './names.ts';

/** The Service of a function: the pods that it leads to, and their port. */
export function makeService(
  name: string,
  namespace: string,
  {
    selector,
    targetPort,
  }: { readonly selector: Readonly<Record<string, string>>; readonly targetPort: string | number },
): KubeObject {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: labelsOf(name) },
    spec: { selector, ports: [{ name: 'http', port: 80, targetPort, protocol: 'TCP' }] },
  };
  return service;
}

import type { KubeObject } from '../kube/objects.ts';
import { annotationNames, labelsOf } from '../names.ts';
import type { VmGuest, WorkloadRequest } from '../pod-template.ts';
import { endpointOf } from '../route.ts';
import { makeService } from '../service.ts';
import { kubevirtGroup, revisionLabel, setNameOf } from './objects.ts';
import { diskName, diskPathInImage, kernelPathInImage, vmNetwork } from './vm-layout.ts';

/**
 * A kernel of ours takes no note of a request to power down: it is given the time to answer what it serves. A guest that
 * boots from a disk powers down within 30 s. Units: s.
 */
const graceSeconds = (fromKernel: boolean) => (fromKernel ? 5 : 40);

/**
 * The objects of a function on KubeVirt: the set of its revision's machines, and its Service.
 *
 * Source: KubeVirt 1.9, `VirtualMachineInstanceReplicaSet`. It replaces no machine when its template changes, so that
 * each revision has a set of its own, and the Service leads to one of them.
 */
export function makeVmObjects(request: WorkloadRequest, { cmdline, port }: VmGuest): readonly [KubeObject, KubeObject] {
  const { config, namespace, replicas, revision = 1, route, target } = request;
  const { name } = config;
  const labels = { ...labelsOf(name), [revisionLabel]: String(revision) };
  const listens = { tcpSocket: { port }, timeoutSeconds: 5 };
  const source = {
    image: request.image,
    imagePullPolicy: 'IfNotPresent',
    ...(target.pullSecret !== null && { imagePullSecret: target.pullSecret }),
  };
  const container = { ...source, kernelPath: kernelPathInImage };
  const containerDisk = { ...source, path: diskPathInImage };
  const set = {
    apiVersion: `${kubevirtGroup}/v1`,
    kind: 'VirtualMachineInstanceReplicaSet',
    metadata: {
      name: setNameOf(name, revision),
      namespace,
      labels,
      annotations: {
        [annotationNames.runtime]: request.runtime,
        [annotationNames.imageId]: request.imageId,
        [annotationNames.deployedAt]: request.deployedAt,
        ...(route !== undefined && { [annotationNames.endpoint]: endpointOf(route) }),
      },
    },
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: graceSeconds(cmdline !== null),
          domain: {
            cpu: { cores: config.vcpus },
            memory: { guest: `${config.memoryMiB}Mi` },
            machine: { type: 'q35' },
            ...(cmdline !== null && { firmware: { kernelBoot: { kernelArgs: cmdline, container } } }),
            devices: {
              autoattachGraphicsDevice: false,
              autoattachMemBalloon: false,
              autoattachSerialConsole: true,
              logSerialConsole: true,
              rng: {},
              ...(cmdline === null && { disks: [{ name: diskName, disk: { bus: 'virtio' } }] }),
              interfaces: [
                {
                  name: 'default',
                  model: 'virtio',
                  masquerade: {},
                  ports: [{ name: 'http', port, protocol: 'TCP' }],
                },
              ],
            },
          },
          networks: [{ name: 'default', pod: { vmNetworkCIDR: vmNetwork.cidr } }],
          ...(cmdline === null && { volumes: [{ name: diskName, containerDisk }] }),
          readinessProbe: { ...listens, periodSeconds: 1, failureThreshold: 1 },
          livenessProbe: { ...listens, initialDelaySeconds: 60, periodSeconds: 10, failureThreshold: 3 },
        },
      },
    },
  };
  return [set, makeService(name, namespace, { selector: labels, targetPort: port })];
}

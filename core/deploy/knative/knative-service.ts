import type { Autoscale } from '#shared/model/deploy-section.ts';
import type { KubeObject, PodTemplate } from '../kube/objects.ts';
import { annotationNames, labelsOf } from '../names.ts';
import { podPorts } from '../pod-image/pod-paths.ts';
import { makePodTemplate, type WorkloadRequest } from '../pod-template.ts';
import { knativeGroup } from './objects.ts';

/**
 * The Knative Service of a function. Its traffic is left out: a split that a person has set stays.
 *
 * Source: serving's field mask. Of a pod's security only that of the container may be set, one port, and no grace period.
 */
export function makeKnativeService(request: WorkloadRequest): KubeObject {
  const { config, namespace, autoscale } = request;
  const { metadata, spec } = makePodTemplate(request);
  const labels = labelsOf(config.name);
  const service = {
    apiVersion: `${knativeGroup}/v1`,
    kind: 'Service',
    metadata: {
      name: config.name,
      namespace,
      labels,
      annotations: { [annotationNames.runtime]: request.runtime },
    },
    spec: {
      template: {
        metadata: { labels, annotations: { ...metadata?.annotations, ...boundsOf(autoscale) } },
        spec: toKnative(spec),
      },
    },
  };
  return service;
}

const boundsOf = (autoscale: Autoscale | undefined) => ({
  ...(autoscale?.min !== undefined && { 'autoscaling.knative.dev/min-scale': String(autoscale.min) }),
  ...(autoscale !== undefined && { 'autoscaling.knative.dev/max-scale': String(autoscale.max) }),
});

function toKnative(pod: PodTemplate['spec']): PodTemplate['spec'] {
  const { terminationGracePeriodSeconds: _grace, securityContext, containers, ...rest } = pod;
  const { fsGroup: _group, ...rights } = securityContext as { readonly fsGroup: number };
  return { ...rest, containers: containers.map((container) => toKnativeContainer(container, rights)) };
}

/**
 * The liveness probe is left out: Knative sends it to the function's own port, where it would be a request. Without a
 * period the readiness probe is repeated each 50 ms until it succeeds.
 */
function toKnativeContainer(container: PodTemplate['spec']['containers'][number], rights: object) {
  const { livenessProbe: _live, ports, readinessProbe, securityContext, ...rest } = container;
  const [{ containerPort }] = ports as readonly [{ readonly containerPort: number }];
  const hasVmm = 'httpGet' in (readinessProbe as object);
  return {
    ...rest,
    ports: [{ name: 'http1', containerPort, protocol: 'TCP' }],
    readinessProbe: hasVmm
      ? { httpGet: { path: '/ready', port: podPorts.status }, successThreshold: 1 }
      : { tcpSocket: { port: containerPort }, successThreshold: 1 },
    securityContext: { ...(securityContext as object), ...rights },
  };
}

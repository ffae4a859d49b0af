/** The objects of a function on a cluster. */
import { FirstlightError } from '#shared/errors.ts';
import type { Autoscale } from '#shared/model/deploy-section.ts';
import { makeKnativeService } from './knative/knative-service.ts';
import type { DeploymentObject, KubeObject } from './kube/objects.ts';
import { makeVmObjects } from './kubevirt/machine.ts';
import { annotationNames, fieldManager, labelsOf } from './names.ts';
import { makePodTemplate, type WorkloadRequest } from './pod-template.ts';
import { endpointOf, makeRoute } from './route.ts';
import { makeService } from './service.ts';

/**
 * The number of replicas that an apply must repeat: leaving out a number that we own would set it to one. Undefined
 * where another manager owns it, such as an autoscaler, or a person who scaled.
 */
export function ownedReplicas({ metadata, spec }: DeploymentObject): number | undefined {
  const isOurs = metadata.managedFields?.some(({ manager, operation, fieldsV1 }) => {
    const fields = fieldsV1?.['f:spec'];
    return (
      manager === fieldManager &&
      operation === 'Apply' &&
      typeof fields === 'object' &&
      fields !== null &&
      'f:replicas' in fields
    );
  });
  return isOurs === true ? spec.replicas : undefined;
}

/**
 * The number of replicas that an apply sets by itself: one for a new function, the fewest of its bounds where it has
 * any, and the number that we own of a present one, so that it is dropped only once another manager has changed it.
 */
export const usualReplicas = (before: DeploymentObject | null, autoscale: Autoscale | undefined): number | undefined =>
  before === null ? (autoscale?.min ?? 1) : ownedReplicas(before);

/**
 * The Deployment and the Service of a function, its Knative Service, or its machines on KubeVirt, as they are applied.
 *
 * Errors: BAD_INPUT when its name is not a name that Kubernetes accepts.
 */
export function makeWorkload(request: WorkloadRequest): readonly KubeObject[] {
  const { config, namespace, replicas, route } = request;
  const { name } = config;
  // A Service's name is a DNS label of RFC 1035: it begins with a letter.
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    throw new FirstlightError('BAD_INPUT', `"${name}" is not a name that a Service can have.`, {
      hint: 'Begin the name in firstlight.json with a letter.',
      details: { subject: name },
    });
  }
  if (request.workload === 'knative') return [makeKnativeService(request)];
  const labels = labelsOf(name);
  const routes = route === undefined ? [] : [makeRoute({ name, namespace, labels }, route)];
  if (request.vm !== undefined) return [...makeVmObjects(request, request.vm), ...routes];
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace,
        labels,
        annotations: {
          [annotationNames.runtime]: request.runtime,
          ...(route !== undefined && { [annotationNames.endpoint]: endpointOf(route) }),
        },
      },
      spec: {
        ...(replicas !== undefined && { replicas }),
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 120,
        selector: { matchLabels: labels },
        template: makePodTemplate(request),
      },
    } as DeploymentObject,
    makeService(name, namespace, { selector: labels, targetPort: 'http' }),
    ...(request.autoscale === undefined ? [] : [makeAutoscaler(name, namespace, request.autoscale)]),
    ...routes,
  ];
}

function makeAutoscaler(name: string, namespace: string, { min, max, cpuPercent }: Autoscale): KubeObject {
  const target = { type: 'Utilization', averageUtilization: cpuPercent };
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace, labels: labelsOf(name) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: min ?? 1,
      maxReplicas: max,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
  };
  return autoscaler;
}

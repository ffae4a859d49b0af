/** The objects of a function on a cluster. */
import { FirstlightError } from '#shared/errors.ts';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import type { Autoscale, Route } from '#shared/model/deploy-section.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { DeploymentObject, KubeObject, PodTemplate } from './kube/objects.ts';
import { podPaths, podPorts, podUser, variablePrefix } from './pod-image/pod-paths.ts';
import { endpointOf, makeRoute } from './route.ts';

export const fieldManager = 'firstlight';
export const managedBy = { 'app.kubernetes.io/managed-by': 'firstlight' } as const;
export const annotationNames = {
  runtime: 'firstlight.dev/runtime',
  imageId: 'firstlight.dev/image-id',
  deployedAt: 'firstlight.dev/deployed-at',
  memory: 'firstlight.dev/memory',
  secrets: 'firstlight.dev/secrets',
  endpoint: 'firstlight.dev/endpoint',
} as const;

/** Selects all that is ours in a namespace. */
export const managedSelector = Object.entries(managedBy)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

/** The labels by which a function's pods are found. */
export const labelsOf = (name: string) => ({ 'app.kubernetes.io/name': name, ...managedBy });
export const selectorOf = (name: string): string =>
  Object.entries(labelsOf(name))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

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

/** A part of a pod's memory beside the guest's. Units: MiB. */
export interface MemoryPart {
  readonly what: string;
  readonly mib: number;
}

/** QEMU's buffer for translated code, as the supervisor bounds it. */
const translatedMib = 64;

/**
 * The memory that a pod needs in addition to the guest's, part by part.
 *
 * Source: KubeVirt's terms (page tables 1/512, 8 MiB a processor, 8 MiB for I/O), and QEMU as measured here.
 */
export function overheadOf({ memoryMiB, vcpus }: Pick<ProjectConfig, 'memoryMiB' | 'vcpus'>): readonly MemoryPart[] {
  return [
    { what: 'page tables', mib: Math.ceil(memoryMiB / 512) },
    { what: 'QEMU', mib: 50 },
    { what: 'translated code', mib: translatedMib },
    { what: 'processors', mib: 8 * vcpus },
    { what: 'I/O', mib: 8 },
  ];
}

export interface WorkloadRequest {
  readonly config: ProjectConfig;
  readonly target: Pick<KubernetesTarget, 'pullSecret'>;
  readonly namespace: string;
  /** The image, by digest. */
  readonly image: string;
  readonly imageId: string;
  readonly runtime: string;
  /** Undefined: the number of replicas is left to its manager. */
  readonly replicas: number | undefined;
  /** Bounds for an autoscaler, or none. */
  readonly autoscale?: Autoscale | undefined;
  readonly route?: Route | undefined;
  readonly deployedAt: string;
  /** The keys of Secrets by the names of the guest's variables. */
  readonly secrets?: Readonly<Record<string, { readonly secret: string; readonly key: string }>> | undefined;
  /** The Secrets' versions: pods begin anew with a new value. */
  readonly secretVersions?: string | undefined;
  /** The name of a device plugin's resource that gives KVM, or null. */
  readonly kvmResource: string | null;
  /** The RuntimeClass of an ordinary container; null: a pod with its own VMM. */
  readonly runtimeClass?: string | null | undefined;
}

/**
 * The Deployment and the Service of a function, as they are applied.
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
  const labels = labelsOf(name);
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
    makeService(name, namespace),
    ...(request.autoscale === undefined ? [] : [makeAutoscaler(name, namespace, request.autoscale)]),
    ...(route === undefined ? [] : [makeRoute({ name, namespace, labels }, route)]),
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
      minReplicas: min,
      maxReplicas: max,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
  };
  return autoscaler;
}

function makeService(name: string, namespace: string): KubeObject {
  const labels = labelsOf(name);
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }] },
  };
  return service;
}

function makePodTemplate(request: WorkloadRequest): PodTemplate {
  const { config, target, runtimeClass = null } = request;
  const overhead = runtimeClass === null ? overheadOf(config) : [];
  const memory = `${config.memoryMiB + overhead.reduce((sum, { mib }) => sum + mib, 0)}Mi`;
  const parts = [{ what: 'guest', mib: config.memoryMiB }, ...overhead];
  return {
    metadata: {
      labels: labelsOf(config.name),
      annotations: {
        [annotationNames.runtime]: request.runtime,
        [annotationNames.imageId]: request.imageId,
        [annotationNames.deployedAt]: request.deployedAt,
        [annotationNames.memory]: parts.map(({ what, mib }) => `${what} ${mib} MiB`).join(', '),
        ...(request.secretVersions && { [annotationNames.secrets]: request.secretVersions }),
      },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 40,
      ...(runtimeClass !== null && { runtimeClassName: runtimeClass }),
      ...(target.pullSecret !== null && { imagePullSecrets: [{ name: target.pullSecret }] }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: podUser,
        runAsGroup: podUser,
        fsGroup: podUser,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [runtimeClass === null ? makeVmmContainer(request, memory) : makePlainContainer(request, memory)],
      volumes: [{ name: 'run', emptyDir: { sizeLimit: '512Mi' } }],
    },
  };
}

const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

const variablesOf = ({ secrets = {} }: WorkloadRequest, prefix: string) => {
  const env = Object.entries(secrets).map(([variable, { secret, key }]) => ({
    name: `${prefix}${variable}`,
    valueFrom: { secretKeyRef: { name: secret, key } },
  }));
  return env.length > 0 && { env };
};

function makeVmmContainer(request: WorkloadRequest, memory: string) {
  const { image, kvmResource } = request;
  const probe = (path: string) => ({ httpGet: { path, port: 'status', scheme: 'HTTP' } });
  return {
    name: 'function',
    image,
    ...variablesOf(request, variablePrefix),
    ports: [
      { name: 'http', containerPort: podPorts.http, protocol: 'TCP' },
      { name: 'status', containerPort: podPorts.status, protocol: 'TCP' },
    ],
    resources: {
      requests: { cpu: '100m', memory },
      limits: { memory, ...(kvmResource !== null && { [kvmResource]: '1' }) },
    },
    // The supervisor delays the answer until the guest has spoken: a pod is ready at once and not at the next
    // second. An additional startup probe costs one more round of the kubelet, 0.9 s; the supervisor itself gives
    // up a guest that does not start.
    readinessProbe: { ...probe('/started'), periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 },
    livenessProbe: {
      ...probe('/live'),
      initialDelaySeconds: 60,
      periodSeconds: 10,
      failureThreshold: 3,
      timeoutSeconds: 5,
    },
    securityContext: containerSecurity,
    volumeMounts: [{ name: 'run', mountPath: podPaths.runDir }],
  };
}

/** A container without a VMM listens when it is ready: a request would call the function. */
function makePlainContainer(request: WorkloadRequest, memory: string) {
  const listens = { tcpSocket: { port: 'http' } };
  return {
    name: 'function',
    image: request.image,
    ...variablesOf(request, ''),
    ports: [{ name: 'http', containerPort: request.config.port ?? podPorts.http, protocol: 'TCP' }],
    resources: { requests: { cpu: '100m', memory }, limits: { memory } },
    readinessProbe: { ...listens, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 },
    livenessProbe: { ...listens, initialDelaySeconds: 60, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 5 },
    securityContext: containerSecurity,
    volumeMounts: [{ name: 'run', mountPath: '/tmp' }],
  };
}

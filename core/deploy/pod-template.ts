/** The pod of a function: its container, its memory and its rights. */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import type { Autoscale, Route, WorkloadKind } from '#shared/model/deploy-section.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { EnvVar, PodTemplate } from './kube/objects.ts';
import { annotationNames, labelsOf } from './names.ts';
import { podPaths, podPorts, podUser, variablePrefix } from './pod-image/pod-paths.ts';

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

/** A guest that a virtual machine of KubeVirt starts. */
export interface VmGuest {
  /** Its kernel's command line; null for one that boots from its disk. */
  readonly cmdline: string | null;
  /** The port that it serves. */
  readonly port: number;
}

export interface WorkloadRequest {
  readonly workload: WorkloadKind;
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
  /** The variables that the guest gets at its start. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** The arguments that the guest gets at its start. Undefined: those of its image. */
  readonly args?: readonly string[] | undefined;
  /** The keys of Secrets by the names of the guest's variables. */
  readonly secrets?: Readonly<Record<string, { readonly secret: string; readonly key: string }>> | undefined;
  /** The Secrets' versions: pods begin anew with a new value. */
  readonly secretVersions?: string | undefined;
  /** The name of a device plugin's resource that gives KVM, or null. */
  readonly kvmResource: string | null;
  /** The port of a unikernel that a RuntimeClass runs. */
  readonly port?: number | undefined;
  /** The RuntimeClass of an ordinary container; null: a pod with its own VMM. */
  readonly runtimeClass?: string | null | undefined;
  /** Given for a virtual machine of KubeVirt, with the number of its revision. */
  readonly vm?: VmGuest | undefined;
  readonly revision?: number | undefined;
}

/** The template of a function's pods. */
export function makePodTemplate(request: WorkloadRequest): PodTemplate {
  const { config, target, runtimeClass = null } = request;
  // The VMM of a unikernel runs in its pod's limits, whoever starts it.
  const hasVmm = runtimeClass === null || request.port !== undefined;
  const overhead = hasVmm ? overheadOf(config) : [];
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

/** The part of a deploy that decides whether its pods are those that run already. */
export type PodIdentity = Pick<
  WorkloadRequest,
  'image' | 'variables' | 'args' | 'secrets' | 'secretVersions' | 'runtimeClass'
>;

/** Whether pods of a template are those of a deploy: its image, with its environment and its arguments. */
export function isTemplateOf(template: PodTemplate, identity: PodIdentity): boolean {
  const [container] = template.spec.containers;
  const wanted = variablesOf(identity, identity.runtimeClass == null ? variablePrefix : '');
  return (
    container?.image === identity.image &&
    (template.metadata?.annotations?.[annotationNames.secrets] ?? '') === (identity.secretVersions ?? '') &&
    isDeepStrictEqual(container.args ?? [], (identity.args ?? []).map(literal)) &&
    isDeepStrictEqual((container.env ?? []).map(withValue), (wanted ? wanted.env : []).map(withValue))
  );
}

/**
 * Whether two templates, as the cluster has them, make the same pods. Their labels and annotations do not count: they say
 * when they were deployed, and which values of Secrets were there.
 */
export const isSamePod = (one: PodTemplate['spec'], other: PodTemplate['spec']): boolean =>
  isDeepStrictEqual(one, other);

/** The cluster leaves an empty value out. */
const withValue = ({ name, value = '', valueFrom }: EnvVar) => ({ name, value, valueFrom });

const variablesOf = (
  { variables = {}, secrets = {} }: Pick<WorkloadRequest, 'variables' | 'secrets'>,
  prefix: string,
) => {
  const env: EnvVar[] = [
    ...Object.entries(variables).map(([variable, value]) => ({ name: `${prefix}${variable}`, value: literal(value) })),
    ...Object.entries(secrets).map(([variable, { secret, key }]) => ({
      name: `${prefix}${variable}`,
      valueFrom: { secretKeyRef: { name: secret, key } },
    })),
  ];
  return env.length > 0 && { env };
};

const argsOf = ({ args }: Pick<WorkloadRequest, 'args'>) => args !== undefined && { args: args.map(literal) };

/** Kubernetes fills `$(NAME)` in, and takes `$$` for one `$`. */
const literal = (value: string): string => value.replaceAll('$', '$$$$');

function makeVmmContainer(request: WorkloadRequest, memory: string) {
  const { image, kvmResource } = request;
  const probe = (path: string) => ({ httpGet: { path, port: 'status', scheme: 'HTTP' } });
  return {
    name: 'function',
    image,
    ...argsOf(request),
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
    ...argsOf(request),
    ...variablesOf(request, ''),
    ports: [{ name: 'http', containerPort: request.port ?? request.config.port ?? podPorts.http, protocol: 'TCP' }],
    resources: { requests: { cpu: '100m', memory }, limits: { memory } },
    readinessProbe: { ...listens, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 },
    livenessProbe: { ...listens, initialDelaySeconds: 60, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 5 },
    securityContext: containerSecurity,
    volumeMounts: [{ name: 'run', mountPath: '/tmp' }],
  };
}

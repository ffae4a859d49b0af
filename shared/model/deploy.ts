import { z } from 'zod';
import { workloadKinds } from './deploy-section.ts';
import { projectIdSchema } from './units.ts';

/** A name that Kubernetes accepts for objects and labels. Source: RFC 1123, "DNS label". */
export const dnsLabelSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and dashes, at most 63 characters');

/**
 * The way to run functions on a cluster. `pod`: in a pod with its own VMM; `kubevirt`: as virtual machines of KubeVirt;
 * `runtimeclass:NAME`: as an ordinary container, by a RuntimeClass such as one of gVisor or Kata; as a unikernel, by that
 * of urunc.
 */
export const engineSchema = z
  .string()
  .regex(/^(pod|kubevirt|runtimeclass:[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)$/, 'pod, kubevirt or runtimeclass:NAME')
  .default('pod');

/** A cluster to deploy to. It names the paths of credentials, and contains none. */
export const kubernetesTargetSchema = z.object({
  name: dnsLabelSchema,
  kind: z.literal('kubernetes'),
  /** Path of the kubeconfig. Null: `KUBECONFIG`, else `~/.kube/config`. */
  kubeconfig: z.string().nullable().default(null),
  /** Null: the kubeconfig's current context. */
  context: z.string().nullable().default(null),
  /** Null: the context's namespace, else `default`. */
  namespace: dnsLabelSchema.nullable().default(null),
  /** The destination of images: a registry with a path, such as `registry.example/team`. */
  registry: z.string().min(1),
  /** PEM file of the registry's own authority. */
  registryCa: z.string().nullable().default(null),
  /** True for plain HTTP to a registry that is not on this machine. */
  plainHttp: z.boolean().default(false),
  /** The Secret of the namespace with which its nodes pull. */
  pullSecret: dnsLabelSchema.nullable().default(null),
  engine: engineSchema,
  /** True where a window named the kubeconfig: what is in it may start no program and name no other file. */
  contained: z.boolean().optional(),
  /** The kind of object that runs a function, unless its project names one. */
  workload: z.enum(workloadKinds).default('deployment'),
});
export type KubernetesTarget = z.output<typeof kubernetesTargetSchema>;

/** The address that endpoints on hosts have unless their target names another. */
export const loopbackAddress = '127.0.0.1';
/** All addresses of a host. */
export const anyAddress = '0.0.0.0';

/** The most hosts of one target: whoever has more needs a scheduler. */
const maxHosts = 32;

/** Hosts to deploy to, each with its libvirt. It contains no credential. */
export const libvirtTargetSchema = z.object({
  name: dnsLabelSchema,
  kind: z.literal('libvirt'),
  /** The addresses, such as `qemu+ssh://root@lab/system`. */
  uris: z
    .array(z.string().regex(/^[a-z]+(\+[a-z]+)?:\/\//, 'a libvirt URI, such as qemu+ssh://root@lab/system'))
    .min(1)
    .max(maxHosts)
    .refine((uris) => new Set(uris).size === uris.length, 'the same host twice'),
  /** The address of each host that endpoints are bound to: its loopback, all of its addresses (`0.0.0.0`), or one of them. */
  listen: z
    .ipv4('an IPv4 address, such as 0.0.0.0')
    .refine((address) => Number(address.split('.')[0]) < 224, 'an address of a host')
    .default(loopbackAddress),
});

/** True for an address that only programs of the same machine reach. */
export const isLoopback = (address: string): boolean => address.startsWith('127.');
export type LibvirtTarget = z.output<typeof libvirtTargetSchema>;

/** A place to deploy to. */
export const targetSchema = z.discriminatedUnion('kind', [kubernetesTargetSchema, libvirtTargetSchema]);
export type Target = z.output<typeof targetSchema>;

/** Before the name of a RuntimeClass in a target's engine. */
export const runtimeClassPrefix = 'runtimeclass:';

/** The RuntimeClass of a target's engine; null for another engine. */
export const runtimeClassOf = ({ engine }: Pick<KubernetesTarget, 'engine'>): string | null =>
  engine.startsWith(runtimeClassPrefix) ? engine.slice(runtimeClassPrefix.length) : null;

/** True for a target whose RuntimeClass is that of urunc by its name: it runs unikernels, not containers. */
export const usesUrunc = (target: Pick<KubernetesTarget, 'engine'>): boolean => runtimeClassOf(target) === 'urunc';

/** True for a target whose functions are virtual machines of KubeVirt. */
export const usesKubevirt = ({ engine }: Pick<KubernetesTarget, 'engine'>): boolean => engine === 'kubevirt';

/** One finding of `target test`. */
export const targetCheckSchema = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  found: z.string(),
  /** The command that provides the missing part. */
  fix: z.string().nullable(),
});
export type TargetCheck = z.output<typeof targetCheckSchema>;

export const deployStepNames = ['build', 'image', 'push', 'apply', 'rollout', 'call'] as const;

/** One finished step of a deploy. Units: ms. */
export const deployStepSchema = z.object({
  name: z.enum(deployStepNames),
  durationMs: z.number(),
  /** Its work, for a person. */
  detail: z.string(),
});
export type DeployStep = z.output<typeof deployStepSchema>;

/** A deploy that succeeded. Units: `pushedBytes` counts the bytes sent to the registry, or to the hosts. */
export const deployResultSchema = z.object({
  target: z.string(),
  /** Null on libvirt hosts. */
  namespace: z.string().nullable(),
  name: z.string(),
  image: z.string(),
  revision: z.number().int(),
  pushedBytes: z.number(),
  steps: z.array(deployStepSchema),
  /** The status of the one call; null when it was not made. */
  answer: z.object({ status: z.number().int(), body: z.string() }).nullable(),
  /** What went wrong without making the deploy fail, such as a host that is down, and options without effect there. */
  warnings: z.array(z.string()).optional(),
});
export type DeployResult = z.output<typeof deployResultSchema>;

export const deployStates = ['ready', 'progressing', 'failing', 'stopped', 'paused'] as const;

/** The share of a revision in the requests. */
export const trafficShareSchema = z.object({
  revision: z.number().int(),
  percent: z.number().int(),
  /** True where each new revision takes its place. */
  isLatest: z.boolean(),
});

/** The most revisions that share the traffic of a function. */
export const maxTrafficShares = 20;

/** A wished share: of a revision by its number, or of the newest at any time. */
export const trafficChangeSchema = z.object({
  revision: z.union([z.number().int().min(1), z.literal('latest')]),
  percent: z.number().int().min(0).max(100),
});
export type TrafficChange = z.output<typeof trafficChangeSchema>;

/** An instance of a function on a libvirt host. */
export const deployedInstanceSchema = z.object({
  /** Its domain. */
  name: z.string(),
  host: z.string(),
  /** libvirt's word, such as `running` or `shutoff`. */
  state: z.string(),
  revision: z.number().int(),
  /** Where it serves HTTP; on loopback: of its host. Absent: it is called through libvirt only. */
  endpoint: z.string().optional(),
});
export type DeployedInstance = z.output<typeof deployedInstanceSchema>;

/** A function on a cluster, or on hosts. */
export const deploymentSchema = z.object({
  target: z.string(),
  /** Null on libvirt hosts. */
  namespace: z.string().nullable(),
  name: z.string(),
  /** Absent on libvirt hosts. */
  workload: z.enum([...workloadKinds, 'kubevirt']).optional(),
  state: z.enum(deployStates),
  /** Why it is not ready, in the own words of the cluster or of libvirt. */
  message: z.string(),
  replicas: z.object({ wanted: z.number().int(), ready: z.number().int(), updated: z.number().int() }),
  /** The shares of revisions, for a Knative Service. */
  traffic: z.array(trafficShareSchema).optional(),
  /** 0: the cluster has not numbered it yet. */
  revision: z.number().int(),
  image: z.string(),
  runtime: z.string(),
  deployedAt: z.string(),
  /** The address of its route, else the one inside the cluster; on libvirt hosts those of its instances, else the hosts. */
  endpoint: z.string(),
  /** Those in service, on libvirt hosts. */
  instances: z.array(deployedInstanceSchema).optional(),
  /** The hosts of its target that cannot be reached, with why. */
  hostsDown: z.array(z.string()).optional(),
});
export type Deployment = z.output<typeof deploymentSchema>;

export const deployRevisionSchema = z.object({
  revision: z.number().int(),
  image: z.string(),
  imageId: z.string(),
  deployedAt: z.string(),
  isCurrent: z.boolean(),
  /** True when its pods are those of the current one: there is nothing to go back to. Absent: when its image is. */
  isSame: z.boolean().optional(),
});
export type DeployRevision = z.output<typeof deployRevisionSchema>;

/**
 * The stretches of a cold start on a cluster, in order. A guest that marks its own start has `firmware`, `kernel` and
 * `runtime`; `boot` is what is left where it does not.
 */
export const clusterPhaseNames = [
  'schedule',
  'pull',
  'create',
  'start',
  'vmm',
  'firmware',
  'kernel',
  'runtime',
  'boot',
  'wait',
  'answer',
] as const;

/** One stretch of a cold start on a cluster. Units: ms since the pod was asked for; the bound is ± ms. */
export const clusterPhaseSchema = z.object({
  name: z.enum(clusterPhaseNames),
  startMs: z.number(),
  endMs: z.number(),
  boundMs: z.number(),
  /** The source of the clock and of the report. */
  source: z.string(),
});
export const clusterColdStartSchema = z.object({
  pod: z.string(),
  accel: z.enum(['kvm', 'tcg']).nullable(),
  /** The reason why it is emulated, or a statement that it is not. */
  why: z.string(),
  totalMs: z.number(),
  /** The bound of the whole: ± ms, as far as the clocks of the node and of the control plane agree. */
  boundMs: z.number(),
  phases: z.array(clusterPhaseSchema),
});
export type ClusterColdStart = z.output<typeof clusterColdStartSchema>;

/** The resources of one pod, or of one instance on a host. Null: not measured yet. */
export const replicaStatsSchema = z.object({
  name: z.string(),
  /** The node, or the host. */
  place: z.string(),
  /** Units: % of one processor. */
  cpuPercent: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  /** Null where nobody counts them. */
  restarts: z.number().int().nullable(),
  source: z.enum(['metrics', 'kubelet', 'libvirt']),
});
export type ReplicaStats = z.output<typeof replicaStatsSchema>;

/** A person's choices for one deploy. */
export const deployRequestSchema = z.strictObject({
  projectId: projectIdSchema,
  target: dnsLabelSchema,
  /** A profile of the section `deploy` of `firstlight.json`. */
  profile: dnsLabelSchema.optional(),
  /** Replaces the value in `firstlight.json`. */
  replicas: z.number().int().min(0).max(1000).optional(),
  /** The file of the key that the image is signed with; replaces that of `firstlight.json`. */
  signKey: z.string().min(1).optional(),
  /** False: answers as soon as the manifests are applied. */
  wait: z.boolean().default(true),
  /** False: a failed deploy is not rolled back. */
  rollback: z.boolean().default(true),
  /** True to take over fields that another manager has set. */
  force: z.boolean().default(false),
});

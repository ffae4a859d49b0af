/** The parts of KubeVirt's objects that are read here. Source: its API `kubevirt.io/v1`, of KubeVirt 1.9. */
import type { Condition, KubeMetadata, KubeObject } from '../kube/objects.ts';

export const kubevirtGroup = 'kubevirt.io';
/** Kinds as `pathOf` takes them. */
export const vmReplicaSets = `virtualmachineinstancereplicasets.${kubevirtGroup}`;
export const vmInstances = `virtualmachineinstances.${kubevirtGroup}`;

/** The number of a revision, on its set, its machines and their pods. */
export const revisionLabel = 'firstlight.dev/revision';

interface ImagePlace {
  readonly image: string;
  readonly imagePullSecret?: string;
}

export interface VmTemplate {
  readonly metadata?: Partial<KubeMetadata>;
  readonly spec: {
    /** A guest has a kernel here, or a disk below. */
    readonly domain: { readonly firmware?: { readonly kernelBoot: { readonly container: ImagePlace } } } & Readonly<
      Record<string, unknown>
    >;
    readonly volumes?: readonly { readonly name: string; readonly containerDisk: ImagePlace }[];
  } & Readonly<Record<string, unknown>>;
}

export interface VmReplicaSet extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly template: VmTemplate };
  readonly status?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface VmInstance extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly Condition[];
  };
}

/** The name of a revision's set. */
export const setNameOf = (name: string, revision: number): string => `${name}-r${revision}`;

export const revisionOfSet = ({ metadata }: KubeObject): number => Number(metadata.labels?.[revisionLabel] ?? 0);

/** The function that a set runs. */
export const functionOf = ({ metadata }: KubeObject): string => metadata.labels?.['app.kubernetes.io/name'] ?? '';

/** The image of a set's machines; empty where another tool has taken it out. */
export const imageOf = ({ spec: { template } }: VmReplicaSet): string => {
  const { domain, volumes } = template.spec;
  return (domain.firmware?.kernelBoot.container ?? volumes?.[0]?.containerDisk)?.image ?? '';
};

/** The newest revision's set; undefined where there is none. */
export const newestOf = (sets: readonly VmReplicaSet[]): VmReplicaSet | undefined =>
  [...sets].sort((a, b) => revisionOfSet(b) - revisionOfSet(a))[0];

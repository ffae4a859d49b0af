/** The parts of Knative Serving's objects that are read here. Source: its API `serving.knative.dev/v1`. */
import type { Condition, KubeObject, PodTemplate } from '../kube/objects.ts';

export const knativeGroup = 'serving.knative.dev';
/** Kinds as `pathOf` takes them: a core Service is something else. */
export const knativeServices = `services.${knativeGroup}`;
export const knativeRevisions = `revisions.${knativeGroup}`;

export const knativeLabels = {
  /** The name of the Knative Service, on all that it has made. */
  service: `${knativeGroup}/service`,
  revision: `${knativeGroup}/revision`,
  generation: `${knativeGroup}/configurationGeneration`,
} as const;

export interface TrafficTarget {
  readonly revisionName?: string;
  readonly latestRevision?: boolean;
  readonly percent?: number;
}

export interface KnativeService extends KubeObject {
  readonly spec: { readonly template: PodTemplate; readonly traffic?: readonly TrafficTarget[] };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly url?: string;
    readonly latestCreatedRevisionName?: string;
    readonly latestReadyRevisionName?: string;
    readonly traffic?: readonly TrafficTarget[];
    readonly conditions?: readonly Condition[];
  };
}

export interface KnativeRevision extends KubeObject {
  readonly spec: PodTemplate['spec'];
  readonly status?: {
    readonly actualReplicas?: number;
    readonly desiredReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** The number of a revision: the generation of its configuration. 0 while it is not known. */
export const numberOf = (revision: KnativeRevision | undefined): number =>
  Number(revision?.metadata.labels?.[knativeLabels.generation] ?? 0);

export const conditionOf = (
  { status }: { readonly status?: { readonly conditions?: readonly Condition[] } },
  type: string,
): Condition | undefined => status?.conditions?.find((condition) => condition.type === type);

/** How a deploy reads, applies, watches and restores the object that runs a function. */
import type { Autoscale, Route } from '#shared/model/deploy-section.ts';
import type { Verdict } from './judge-rollout.ts';
import type { KubeAnswer } from './kube/client.ts';
import type { KubeObject, PodObject } from './kube/objects.ts';
import type { PodIdentity } from './pod-template.ts';

/** An applied object, and the generation that our own apply returned. */
export interface Applied {
  readonly generation: number;
  readonly revision: number;
}

export interface RolloutEnd {
  readonly verdict: Verdict;
  readonly revision: number;
  /** The new pods, for the guest's last output. */
  readonly pods: readonly PodObject[];
}

/** The settings of a plan that the kind of workload bounds. */
export interface WorkloadPlan {
  readonly replicas?: number | undefined;
  readonly autoscale?: Autoscale | undefined;
  readonly route?: Route | undefined;
}

/** A function's object as it was before a deploy. */
export interface OpenWorkload {
  /** The number of replicas that an apply sets by itself; undefined: it is left to its manager. */
  readonly replicas: (autoscale: Autoscale | undefined) => number | undefined;
  /** The present template's annotation, or undefined. */
  readonly annotation: (name: string) => string | undefined;
  /** The number that an image's revision is to have, where the cluster gives it none. */
  readonly revisionFor?: (image: string) => number;
  /** The time of the deploy of pods that run already and are well; null: they are to be made anew. */
  readonly runsSince: (identity: PodIdentity) => string | null;
  /**
   * Marks what is there already, before the function's Secret changes. Shape: takes the mark back. Absent where a function
   * has no secrets.
   */
  readonly mark?: (signal: AbortSignal) => Promise<() => Promise<void>>;
  readonly apply: (
    objects: readonly KubeObject[],
    options: WorkloadPlan & { readonly force: boolean; readonly wait: boolean },
    signal: AbortSignal,
  ) => Promise<Applied>;
  readonly watch: (
    applied: Applied,
    options: {
      readonly graceMs: number;
      readonly signal: AbortSignal;
      readonly onVerdict: (verdict: Verdict) => void;
    },
  ) => Promise<RolloutEnd>;
  /** Restores the previous state. Shape: a note on it for a person. Errors: CLUSTER_*. */
  readonly goBack: () => Promise<string>;
  /** One request to the new revision, through the API server, which needs no route into the cluster. */
  readonly call: (signal: AbortSignal) => Promise<KubeAnswer>;
}

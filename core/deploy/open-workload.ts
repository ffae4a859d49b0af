/** How a deploy reads, applies, watches and restores the object that runs a function. */
import type { Autoscale, Route } from '#shared/model/deploy-section.ts';
import type { Verdict } from './judge-rollout.ts';
import type { KubeAnswer } from './kube/client.ts';
import type { KubeObject, PodObject } from './kube/objects.ts';
import type { PodIdentity } from './pod-template.ts';
import type { Whose } from './replaced.ts';

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
  /** Null: the function is new. */
  readonly before: KubeObject | null;
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
  /**
   * Applies what the new pods need. With `leavesRest` there is something to take away at the end, and the mark stays until
   * then.
   */
  readonly apply: (
    objects: readonly KubeObject[],
    options: { readonly force: boolean; readonly wait: boolean; readonly leavesRest: boolean },
    signal: AbortSignal,
  ) => Promise<Applied>;
  /** Errors: CONFLICT when another change has taken the place of this one; as `watchRollout`. */
  readonly watch: (
    applied: Applied,
    options: {
      readonly graceMs: number;
      readonly signal: AbortSignal;
      readonly onVerdict: (verdict: Verdict) => void;
    },
  ) => Promise<RolloutEnd>;
  /** Ends a deploy that has succeeded, once what it has no use for is gone: takes the mark away. Errors: CLUSTER_*. */
  readonly finish: (signal: AbortSignal) => Promise<void>;
  /** True once an apply may have changed the object. */
  readonly isTouched: () => boolean;
  /** Looks at the object again: another change may have taken the place of this one. Errors: CLUSTER_*. */
  readonly whose: () => Promise<Whose>;
  /** Restores the previous state of the object. Shape: a note on it for a person. Errors: CLUSTER_*. */
  readonly goBack: () => Promise<string>;
  /** One request to the new revision, through the API server, which needs no route into the cluster. */
  readonly call: (signal: AbortSignal) => Promise<KubeAnswer>;
}

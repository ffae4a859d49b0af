import { createStore, type StoreApi } from 'zustand/vanilla';
import type { FirstlightError } from '#shared/errors.ts';
import {
  type ClusterColdStart,
  type Deployment,
  type DeployResult,
  type DeployRevision,
  deployStepNames,
  type Target,
  type TargetCheck,
} from '#shared/model/deploy.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { idle, type Loadable } from './loadable.ts';

/** A function on a target. */
export interface DeployedRef {
  readonly target: string;
  readonly name: string;
}

export const deployedKey = ({ target, name }: DeployedRef): string => `${target}/${name}`;

/** One step of a deploy with its progress. Units: ms; `startedAtMs` since the Unix epoch. */
export interface StepState {
  readonly name: (typeof deployStepNames)[number];
  readonly status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly startedAtMs: number | null;
  readonly durationMs: number | null;
  /** Its present or past work. */
  readonly message: string;
  /** Units: 0 to 1; null when unknown. */
  readonly fraction: number | null;
}

/** A deploy that this window began. Shape: `steps` has all steps, in order. */
export interface DeployTask extends DeployedRef {
  readonly projectId: ProjectId;
  readonly profile: string | undefined;
  readonly stage: 'running' | 'done' | 'failed' | 'cancelled';
  readonly steps: readonly StepState[];
  readonly cancelling: boolean;
  readonly cancel: () => void;
  readonly error: FirstlightError | null;
  readonly result: DeployResult | null;
}

export const waitingSteps: readonly StepState[] = deployStepNames.map((name) => ({
  name,
  status: 'waiting',
  startedAtMs: null,
  durationMs: null,
  message: '',
  fraction: null,
}));

/** The details of the shown function, in addition to its row in the list. */
export interface DeployedDetails {
  readonly key: string;
  readonly deployment: Loadable<Deployment>;
  readonly revisions: Loadable<readonly DeployRevision[]>;
  readonly coldStart: Loadable<ClusterColdStart>;
}

/** The subject of the page of deployed functions: a function, a target, or (null) nothing yet. */
export type DeployChoice =
  | { readonly kind: 'function'; readonly of: DeployedRef }
  | { readonly kind: 'target'; readonly target: string }
  | null;

/** Targets, and the functions on them, as the engine reports them now. */
export interface DeployState {
  readonly targets: Loadable<readonly Target[]>;
  /** The functions by target; only of followed targets. */
  readonly functions: Readonly<Record<string, Loadable<readonly Deployment[]>>>;
  /** The results of `targets:test`, by target. */
  readonly checks: Readonly<Record<string, Loadable<readonly TargetCheck[]>>>;
  readonly choice: DeployChoice;
  readonly details: DeployedDetails | null;
  /** The last deploy of each function. */
  readonly tasks: Readonly<Record<string, DeployTask>>;
  /** The target that a project was last deployed to. */
  readonly lastTargets: Readonly<Record<string, string>>;
}

export type DeployStore = StoreApi<DeployState>;

export const createDeployStore = (): DeployStore =>
  createStore<DeployState>()(() => ({
    targets: idle,
    functions: {},
    checks: {},
    choice: null,
    details: null,
    tasks: {},
    lastTargets: {},
  }));

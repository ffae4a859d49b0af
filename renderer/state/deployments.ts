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

/** One step of a deploy, as far as it has come. Units: ms; `startedAtMs` since the Unix epoch. */
export interface StepState {
  readonly name: (typeof deployStepNames)[number];
  readonly status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly startedAtMs: number | null;
  readonly durationMs: number | null;
  /** What it does now, or did. */
  readonly message: string;
  /** Units: 0 to 1; null when unknown. */
  readonly fraction: number | null;
}

/** A deploy that this window began. Shape: `steps` are all there are, in order. */
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

/** What is known of the function that is shown, beside its row in the list. */
export interface DeployedDetails {
  readonly key: string;
  readonly deployment: Loadable<Deployment>;
  readonly revisions: Loadable<readonly DeployRevision[]>;
  readonly coldStart: Loadable<ClusterColdStart>;
}

/** What the page of deployed functions is about: a function, a target, or (null) nothing yet. */
export type DeployChoice =
  | { readonly kind: 'function'; readonly of: DeployedRef }
  | { readonly kind: 'target'; readonly target: string }
  | null;

/** Targets, and the functions on them, as the engine says now. */
export interface DeployState {
  readonly targets: Loadable<readonly Target[]>;
  /** By target; only of those that are watched. */
  readonly functions: Readonly<Record<string, Loadable<readonly Deployment[]>>>;
  /** What `targets:test` found, by target. */
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

/** The verdict on a rollout, from the cluster's objects. Pure: docs/deploying.md has the rules. */
import type { Condition, DeploymentObject, EventObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { describeLostNode } from './lost-node.ts';

export interface RolloutPicture {
  readonly deployment: DeploymentObject | null;
  readonly replicaSets: readonly ReplicaSetObject[];
  readonly pods: readonly PodObject[];
  readonly events: readonly EventObject[];
}

/** Shape: `trouble` has the cluster's own messages, the worst first; a rollout with some may still succeed. */
export interface Verdict {
  readonly state: 'progressing' | 'done' | 'failed';
  readonly message: string;
  readonly trouble: readonly string[];
}

const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionOf = ({ metadata }: DeploymentObject | ReplicaSetObject): number =>
  Number(metadata.annotations?.[revisionAnnotation] ?? 0);

/** The ReplicaSet of the Deployment's newest revision, once the cluster has made it. */
export function newestReplicaSet({ deployment, replicaSets }: RolloutPicture): ReplicaSetObject | null {
  if (deployment === null) return null;
  const own = replicaSets.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid),
  );
  return own.find((set) => revisionOf(set) === revisionOf(deployment)) ?? null;
}

/** The pods of one ReplicaSet. */
export const podsOf = (set: ReplicaSetObject | null, pods: readonly PodObject[]): readonly PodObject[] =>
  set === null
    ? []
    : pods.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid));

/** The condition that says that a Deployment missed its progress deadline, or null. */
export const missedDeadlineOf = ({ status }: DeploymentObject): Condition | null =>
  status?.conditions?.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded') ??
  null;

const isSame = (one: Condition, other: Condition): boolean =>
  one.lastUpdateTime === other.lastUpdateTime && one.lastTransitionTime === other.lastTransitionTime;

/**
 * Judges the rollout of the applied `generation`: the status of an earlier one does not count, nor does a missed
 * deadline that was there before. The controller keeps that condition when it takes up a ReplicaSet that exists.
 */
export function judgeRollout(
  picture: RolloutPicture,
  generation: number,
  missedBefore: Condition | null = null,
): Verdict {
  const { deployment } = picture;
  if (deployment === null) return { state: 'failed', message: 'The Deployment is gone.', trouble: [] };
  const { status = {}, spec } = deployment;
  if ((status.observedGeneration ?? 0) < generation) {
    return { state: 'progressing', message: 'The cluster has not looked at it yet', trouble: [] };
  }
  const set = newestReplicaSet(picture);
  const pods = podsOf(set, picture.pods);
  const trouble = [...troubleOfSet(set, deployment), ...pods.flatMap((pod) => troubleOfPod(pod, picture.events))];
  const wanted = spec.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  const missed = missedDeadlineOf(deployment);
  if (missed !== null && (missedBefore === null || !isSame(missed, missedBefore))) {
    return { state: 'failed', message: missed.message ?? 'It makes no progress.', trouble };
  }
  if (set === null && wanted > 0) return { state: 'progressing', message: 'Waiting for its ReplicaSet', trouble };
  if (updatedReplicas < wanted) {
    return { state: 'progressing', message: `${updatedReplicas} of ${wanted} replicas are new`, trouble };
  }
  if (replicas > updatedReplicas) {
    return { state: 'progressing', message: `${replicas - updatedReplicas} old replicas are ending`, trouble };
  }
  if (availableReplicas < updatedReplicas || pods.filter(isReady).length < wanted) {
    return { state: 'progressing', message: `${availableReplicas} of ${wanted} replicas are ready`, trouble };
  }
  return { state: 'done', message: `${wanted} of ${wanted} replicas are ready`, trouble: [] };
}

/** True when a Deployment runs its specification completely: applying the same again changes nothing. */
export function isSettled({ metadata, spec, status = {} }: DeploymentObject): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const isWhole = [replicas, updatedReplicas, availableReplicas].every((count) => count === (spec.replicas ?? 1));
  return isWhole && observedGeneration >= (metadata.generation ?? 0);
}

export const isReady = ({ status, metadata }: PodObject): boolean =>
  metadata.deletionTimestamp === undefined && isTrue(status?.conditions, 'Ready');

const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

function troubleOfSet(set: ReplicaSetObject | null, deployment: DeploymentObject): string[] {
  const conditions = [...(set?.status?.conditions ?? []), ...(deployment.status?.conditions ?? [])];
  const failures = conditions.filter(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  return [...new Set(failures.map(({ message, reason }) => message ?? reason ?? 'No pod can be made.'))];
}

/** Waiting for one of these is not progress. */
const badWaits =
  /^(ErrImage|ImagePull|InvalidImage|CrashLoop|CreateContainer|RunContainer|ErrImageNeverPull|ContainerCannotRun)/;

/** A node cannot make what a pod's containers run in: it has no handler for a RuntimeClass, or lacks a volume. */
const unmadeReason = /^(FailedCreatePodSandBox|FailedMount|FailedAttachVolume)$/;
/**
 * After it the node is past that, though an earlier attempt failed. The condition `PodReadyToStartContainers` does not say
 * so: kubelets report it only after the pull, up to kubernetes #134660.
 */
export const begunReason = 'Pulling';

const timeOf = ({ lastTimestamp, eventTime, firstTimestamp }: EventObject): string =>
  lastTimestamp ?? eventTime ?? firstTimestamp ?? '';

/** The cluster's own messages on a pod that does not run. */
export function troubleOfPod(pod: PodObject, events: readonly EventObject[]): string[] {
  const { name, uid } = pod.metadata;
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled !== undefined) return [`${name} has no node: ${unscheduled.message ?? unscheduled.reason}`];
  const lost = describeLostNode(pod);
  if (lost !== null) return [`${name}: ${lost}`];
  if (pod.status?.phase === 'Failed')
    return [`${name} failed: ${pod.status.reason ?? ''} ${pod.status.message ?? ''}`.trim()];
  const own = events.filter((event) => event.involvedObject.uid === uid);
  const warnings = own.filter(({ type }) => type === 'Warning');
  const failed = warnings.findLast(({ reason }) => unmadeReason.test(reason ?? ''));
  const isBegun = (than: EventObject) => own.some((one) => one.reason === begunReason && timeOf(one) >= timeOf(than));
  const unmade = failed === undefined || isBegun(failed) ? undefined : failed;
  return (pod.status?.containerStatuses ?? []).flatMap(({ state, lastState, restartCount }) => {
    const found: string[] = [];
    const { waiting } = state ?? {};
    if (waiting?.reason === 'ContainerCreating' && unmade) found.push(`${name}: ${unmade.message ?? unmade.reason}`);
    const ended = state?.terminated ?? lastState?.terminated;
    if (waiting?.reason !== undefined && badWaits.test(waiting.reason)) {
      const pull = warnings.find(({ reason, message }) => reason === 'Failed' && /pull/.test(message ?? ''));
      const words = /^(ErrImage|ImagePull)/.test(waiting.reason) ? (pull?.message ?? waiting.message) : waiting.message;
      found.push(`${name}: ${waiting.reason}: ${words ?? ''}`);
    }
    if (ended !== undefined && restartCount > 0) {
      found.push(
        `${name} ended ${restartCount} times, last with ${ended.reason ?? 'an error'} (exit code ${ended.exitCode})`,
      );
    }
    return found;
  });
}

/** The console of one pod. Its supervisor writes all that the guest prints to the pod's log, from the first byte on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStream } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Cluster, listPods, nullIfMissing, pathOf } from './cluster.ts';
import { copyLogBytes } from './copy-log.ts';
import { findFunction } from './find-function.ts';
import type { PodObject } from './kube/objects.ts';
import { containerOf } from './logs.ts';
import { describeLostNode } from './lost-node.ts';
import { createTimedLogReader } from './timed-log.ts';

type Output = Pick<EngineStream, 'write' | 'signal'>;

/** The waits before another look at a pod. Units: ms. */
const firstWaitMs = 250;
const maxWaitMs = 5_000;

/**
 * Writes the output of one pod's guest to a stream, byte for byte, until the pod's container ends; without a name: of
 * the newest pod. A connection that is lost or long silent is made again, without a byte missing or doubled.
 *
 * Errors: NOT_FOUND; CLUSTER_DENIED, CLUSTER_REFUSED; CLUSTER_UNREACHABLE at the beginning only.
 */
export async function streamPodConsole(
  cluster: Cluster,
  name: string,
  podName: string | undefined,
  { write, signal }: Output,
): Promise<void> {
  await findFunction(cluster, name, signal);
  const chosen = await choosePod(cluster, name, podName, signal);
  const note = async (text: string) => await write(Buffer.from(`(${text})\n`));
  const path = pathOf(cluster, 'pods', chosen.metadata.name);
  const restarts = ownContainer(chosen)?.restartCount ?? 0;
  const reader = createTimedLogReader();
  async function copyLog() {
    const query = { follow: 'true', timestamps: 'true', container: containerOf(chosen), sinceTime: reader.reopen() };
    return await copyLogBytes(cluster, `${path}/log`, { query, signal }, async (chunk) => {
      waitMs = firstWaitMs;
      const fresh = reader.push(chunk);
      if (fresh.length > 0) await write(fresh);
    });
  }

  let waitMs = firstWaitMs;
  let isLost = false;
  let saidWaiting = '';
  while (!signal.aborted) {
    try {
      const pod = await nullIfMissing(cluster.client.json<PodObject>(path, { signal }));
      if (isLost) await note('connected again');
      isLost = false;
      const end = describeEnd(chosen, pod, restarts);
      const waiting = end === null ? describeWaiting(pod) : '';
      if (waiting !== '' && waiting !== saidWaiting) await note(waiting);
      saidWaiting = waiting;
      const copied = (end?.hasLog ?? (pod !== null && hasBegun(pod))) ? await copyLog() : 'ended';
      if (end !== null && copied === 'ended') return await note(end.reason);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toFirstlightError(thrown);
      if (error.code !== 'CLUSTER_UNREACHABLE') throw error;
      if (!isLost) await note(`the connection is lost and tried again: ${error.message}`);
      isLost = true;
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(maxWaitMs, waitMs * 2);
  }
}

async function choosePod(
  cluster: Cluster,
  name: string,
  podName: string | undefined,
  signal: AbortSignal,
): Promise<PodObject> {
  const pods = [...(await listPods(cluster, name, signal))].sort((a, b) => bornAt(b) - bornAt(a));
  const chosen =
    podName === undefined
      ? (pods.find(({ metadata }) => metadata.deletionTimestamp === undefined) ?? pods[0])
      : pods.find(({ metadata }) => metadata.name === podName);
  if (chosen !== undefined) return chosen;
  const names = pods.map(({ metadata }) => metadata.name);
  if (podName !== undefined) {
    throw new FirstlightError('NOT_FOUND', `${name} has no pod "${podName}" in ${cluster.namespace}.`, {
      hint: names.length === 0 ? 'It has no pod now.' : `There are: ${names.join(', ')}`,
      details: { subject: podName },
    });
  }
  throw new FirstlightError('NOT_FOUND', `${name} has no pod now, so there is no console.`, {
    hint: `Start one: firstlight deploy scale ${name} 1, or for a Knative Service: firstlight deploy invoke ${name}`,
    details: { subject: name },
  });
}

const bornAt = ({ metadata }: PodObject): number => Date.parse(metadata.creationTimestamp ?? '') || 0;

/** The container that prints: others may have been put beside it by the cluster. */
const ownContainer = (pod: PodObject) => pod.status?.containerStatuses?.find(({ name }) => name === containerOf(pod));

function hasBegun(pod: PodObject): boolean {
  const container = ownContainer(pod);
  return container !== undefined && (container.state?.waiting === undefined || container.restartCount > 0);
}

/** The reason why a container has not begun; empty where there is none to say. */
function describeWaiting(pod: PodObject | null): string {
  const { reason = '', message = '' } = (pod && ownContainer(pod)?.state?.waiting) ?? {};
  if (pod === null || reason === '') return '';
  return `${pod.metadata.name} has not begun: ${message === '' ? reason : `${reason}: ${message}`}`;
}

/** The reason why a pod prints nothing more, and whether its log can still be read; null while it may print. */
function describeEnd(
  { metadata: { name, uid } }: PodObject,
  now: PodObject | null,
  restarts: number,
): { readonly reason: string; readonly hasLog: boolean } | null {
  if (now === null || now.metadata.uid !== uid) return { reason: `${name} is gone`, hasLog: false };
  const lostNode = describeLostNode(now);
  if (lostNode !== null) return { reason: `no console of ${name}: ${lostNode}`, hasLog: false };
  const container = ownContainer(now);
  const { phase, reason, message } = now.status ?? {};
  if (phase === 'Failed' && reason !== undefined) {
    // The container of an evicted pod is removed with its log.
    return { reason: `${name} ended: ${[reason, message].filter(Boolean).join(': ')}`, hasLog: false };
  }
  if (container !== undefined && container.restartCount > restarts) {
    const why = describeTerminated(container.lastState?.terminated);
    return { reason: `the container of ${name} ended${why} and began anew: open the console again`, hasLog: false };
  }
  const ended = container?.state?.terminated;
  return ended === undefined ? null : { reason: `${name} ended${describeTerminated(ended)}`, hasLog: true };
}

function describeTerminated(ended: { readonly reason?: string; readonly exitCode?: number } | undefined): string {
  if (ended === undefined) return '';
  const { reason = '', exitCode } = ended;
  return ` (${[reason, exitCode === undefined ? '' : `exit status ${exitCode}`].filter(Boolean).join(', ')})`;
}

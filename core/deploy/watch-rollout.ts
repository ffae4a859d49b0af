import { setTimeout as sleep } from 'node:timers/promises';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { begunReason, type Verdict } from './judge-rollout.ts';
import { follow } from './kube/follow.ts';
import type { EventObject, KubeObject } from './kube/objects.ts';

/** Objects that a rollout is judged by. */
export interface RolloutSource<Picture> {
  readonly kind: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The picture with these objects. */
  readonly put: (picture: Picture, objects: readonly KubeObject[]) => Picture;
}

export interface RolloutWatch<Picture> {
  readonly initial: Picture;
  /** The first one has the object of the rollout itself: nothing is judged before it is listed. */
  readonly sources: readonly RolloutSource<Picture>[];
  readonly judge: (picture: Picture) => Verdict;
  /** The time that trouble may last before the rollout counts as failed. Units: ms. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  readonly onVerdict: (verdict: Verdict) => void;
}

/** The events that a verdict reads. All of them would be a multiple, in a namespace of many pods. */
const eventSelectors = ['type=Warning', `reason=${begunReason}`];

const tickMs = 100;
/** A cluster that does not answer for so long ends the wait for a rollout, which may go on there. Units: ms. */
const patienceMs = 60_000;

/**
 * Watches a rollout to its end. Shape: the last verdict, and the picture that it was made from.
 *
 * Errors: CLUSTER_DENIED, CLUSTER_REFUSED; CLUSTER_UNREACHABLE after a minute; CANCELLED.
 */
export async function watchRollout<Picture extends { readonly events: readonly EventObject[] }>(
  cluster: Cluster,
  { initial, sources, judge, graceMs, signal, onVerdict }: RolloutWatch<Picture>,
): Promise<{ readonly verdict: Verdict; readonly picture: Picture }> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  let picture = initial;
  const listed = new Set<RolloutSource<Picture>>();
  let failure: FirstlightError | null = null;
  const watches = sources.map((source) => {
    const { kind, labelSelector, fieldSelector, put } = source;
    const options = { labelSelector, fieldSelector, signal: both, patienceMs };
    return follow(cluster.client, pathOf(cluster, kind), options, (objects) => {
      listed.add(source);
      picture = put(picture, objects);
    }).catch((thrown) => {
      failure = toFirstlightError(thrown);
    });
  });
  // Events improve the message; without the right to read them the watch continues.
  const found: (readonly EventObject[])[] = eventSelectors.map(() => []);
  const events = eventSelectors.map((selector, index) =>
    follow<EventObject>(
      cluster.client,
      pathOf(cluster, 'events'),
      { fieldSelector: `involvedObject.kind=Pod,${selector}`, signal: both },
      (some) => {
        found[index] = some;
        picture = { ...picture, events: found.flat() };
      },
    ).catch(() => undefined),
  );
  try {
    let troubleSince: number | null = null;
    for (let last = ''; ; await sleep(tickMs, undefined, { signal }).catch(() => undefined)) {
      if (signal.aborted) throw new FirstlightError('CANCELLED', 'Cancelled.');
      if (failure !== null) throw failure;
      const [first] = sources;
      if (first !== undefined && !listed.has(first)) continue;
      const verdict = judge(picture);
      const words = JSON.stringify(verdict);
      if (words !== last) onVerdict(verdict);
      last = words;
      if (verdict.state !== 'progressing') return { verdict, picture };
      troubleSince = verdict.trouble.length === 0 ? null : (troubleSince ?? Date.now());
      if (troubleSince !== null && Date.now() - troubleSince > graceMs) {
        return { verdict: { ...verdict, state: 'failed', message: verdict.trouble[0] ?? verdict.message }, picture };
      }
    }
  } finally {
    ending.abort();
    await Promise.all([...watches, ...events]);
  }
}

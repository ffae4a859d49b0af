import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStream } from '#shared/contract/index.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { knativeRevisions, knativeServices } from './knative/objects.ts';
import { follow } from './kube/follow.ts';
import { vmReplicaSets } from './kubevirt/objects.ts';
import { type Causes, describeAll, type FunctionObjects, isUnready, listCauses } from './list-deployments.ts';
import { deploymentSelector, managedSelector } from './names.ts';

/** Changes within this time are written as one line: a rollout of hundreds of functions is thousands of them. Units: ms. */
const gatherMs = 100;
/** While functions that are not ready change, their pods are listed for the reasons: not more often than this. Units: ms. */
const causesMs = 10_000;

type Watched = Omit<FunctionObjects, 'causes'>;
type Seen = { -readonly [Kind in keyof Watched]?: Watched[Kind] };
const kinds = ['deployments', 'services', 'revisions', 'sets', 'secrets'] as const satisfies (keyof Watched)[];
const isWhole = (seen: Seen): seen is Watched => kinds.every((kind) => seen[kind] !== undefined);

/** A cluster that starts anew answers within this time; a person is told of one that does not. Units: ms. */
const patienceMs = 3_000;

/**
 * Writes the functions of a target as a line of JSON, and again when the cluster reports changes; an identical line is
 * not repeated.
 *
 * Errors: CLUSTER_DENIED, CLUSTER_REFUSED, NOT_FOUND; CLUSTER_UNREACHABLE after some seconds.
 */
export async function watchFunctions(
  cluster: Cluster,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  /** What the watches have seen; it is written once each of them has begun. */
  const seen: Seen = {};
  let last = '';
  let isStale = false;
  let writing: Promise<void> | null = null;
  let failure: unknown = null;
  let causes: Causes = new Map();
  let causesAreOld = false;
  let nextCausesAt = 0;
  let causesTimer: NodeJS.Timeout | undefined;
  let listing: Promise<void> | null = null;

  /**
   * Lists why functions are not ready, and has them written again once it is known: no line waits for it. What changes
   * too early for another list is looked at later.
   */
  function lookForCauses(): void {
    const deployments = seen.deployments ?? [];
    if (!causesAreOld || !deployments.some(isUnready) || listing !== null || both.aborted) return;
    clearTimeout(causesTimer);
    const waitMs = nextCausesAt - performance.now();
    if (waitMs > 0) {
      causesTimer = setTimeout(lookForCauses, waitMs);
      return;
    }
    causesAreOld = false;
    listing = listCauses(cluster, deployments, both).then((found) => {
      causes = found;
      nextCausesAt = performance.now() + causesMs;
      listing = null;
      noteChange();
    });
  }

  async function writeChanges(): Promise<void> {
    while (isStale && !both.aborted) {
      isStale = false;
      if (!isWhole(seen)) break;
      const found = describeAll(cluster, { ...seen, causes });
      const line = `${JSON.stringify(found)}\n`;
      if (line !== last) await write(Buffer.from(line));
      last = line;
      lookForCauses();
      await sleep(gatherMs, undefined, { signal: both }).catch(() => undefined);
    }
    writing = null;
  }
  function noteChange(): void {
    if (!isWhole(seen)) return;
    isStale = true;
    // A reader that goes away ends the watches: nothing else waits for this promise before they end.
    writing ??= writeChanges().catch((thrown: unknown) => {
      failure = thrown;
      ending.abort();
    });
  }

  /**
   * Follows one kind. With `denied` it is of an extension, or may be barred: a cluster without it has none, and a user
   * without rights to it sees what `denied` says.
   */
  async function watch<Kind extends keyof Seen>(
    kind: Kind,
    objects: string,
    { denied, ...choice }: { denied?: Seen[Kind]; labelSelector?: string; onlyMetadata?: boolean } = {},
  ): Promise<void> {
    const put = (found: Seen[Kind]) => {
      seen[kind] = found;
      if (kind === 'deployments') causesAreOld = true;
      noteChange();
    };
    const options = { labelSelector: managedSelector, ...choice, signal: both, patienceMs };
    try {
      await follow(cluster.client, pathOf(cluster, objects), options, (found) => put(found as Seen[Kind]));
    } catch (thrown) {
      const { code } = toFirstlightError(thrown);
      if (denied === undefined || (code !== 'NOT_FOUND' && code !== 'CLUSTER_DENIED')) throw thrown;
      put(code === 'CLUSTER_DENIED' ? denied : ([] as Seen[Kind]));
    }
  }
  const watches = [
    watch('deployments', 'deployments', { labelSelector: deploymentSelector }),
    watch('services', knativeServices, { denied: null }),
    watch('revisions', knativeRevisions, { denied: [] }),
    watch('sets', vmReplicaSets, { denied: [] }),
    watch('secrets', 'secrets', { denied: [], onlyMetadata: true }),
  ];
  try {
    await Promise.all(watches);
  } finally {
    ending.abort();
    clearTimeout(causesTimer);
    await Promise.allSettled(watches);
    await Promise.all([writing, listing]);
  }
  if (failure !== null) throw failure;
}

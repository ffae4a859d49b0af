import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStream } from '#shared/contract/index.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { type KnativeRevision, type KnativeService, knativeRevisions, knativeServices } from './knative/objects.ts';
import { follow } from './kube/follow.ts';
import type { DeploymentObject, KubeObject } from './kube/objects.ts';
import { type VmReplicaSet, vmReplicaSets } from './kubevirt/objects.ts';
import { type Causes, describeAll, isUnready, listCauses } from './list-deployments.ts';
import { deploymentSelector, managedSelector } from './names.ts';

/** Changes within this time are written as one line: a rollout of hundreds of functions is thousands of them. Units: ms. */
const gatherMs = 100;
/** While functions that are not ready change, their pods are listed for the reasons: not more often than this. Units: ms. */
const causesMs = 10_000;

/**
 * Writes the functions of a target as a line of JSON, and again when the cluster reports changes; an identical line is
 * not repeated.
 *
 * Errors: CLUSTER_DENIED, CLUSTER_REFUSED, NOT_FOUND.
 */
export async function watchFunctions(
  cluster: Cluster,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  let deployments: readonly DeploymentObject[] | null = null;
  let services: readonly KnativeService[] | null = null;
  let revisions: readonly KnativeRevision[] | null = null;
  let sets: readonly VmReplicaSet[] | null = null;
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
    const unready = (deployments ?? []).filter(isUnready);
    if (!causesAreOld || unready.length === 0 || listing !== null || both.aborted) return;
    clearTimeout(causesTimer);
    const waitMs = nextCausesAt - performance.now();
    if (waitMs > 0) {
      causesTimer = setTimeout(lookForCauses, waitMs);
      return;
    }
    causesAreOld = false;
    listing = listCauses(cluster, unready, both).then((found) => {
      causes = found;
      nextCausesAt = performance.now() + causesMs;
      listing = null;
      noteChange();
    });
  }

  async function writeChanges(): Promise<void> {
    while (isStale && !both.aborted) {
      isStale = false;
      const found = describeAll(cluster, {
        causes,
        deployments: deployments ?? [],
        services: services ?? [],
        revisions: revisions ?? [],
        sets: sets ?? [],
      });
      const line = `${JSON.stringify(found)}\n`;
      if (line !== last) await write(Buffer.from(line));
      last = line;
      lookForCauses();
      await sleep(gatherMs, undefined, { signal: both }).catch(() => undefined);
    }
    writing = null;
  }
  function noteChange(): void {
    if (deployments === null || services === null || revisions === null || sets === null) return;
    isStale = true;
    // A reader that goes away ends the watches: nothing else waits for this promise before they end.
    writing ??= writeChanges().catch((thrown: unknown) => {
      failure = thrown;
      ending.abort();
    });
  }

  const followAll = <Value extends KubeObject>(
    kind: string,
    labelSelector: string,
    put: (found: readonly Value[]) => void,
  ) =>
    follow<Value>(cluster.client, pathOf(cluster, kind), { labelSelector, signal: both }, (found) => {
      put(found);
      noteChange();
    });
  /** A cluster without Knative or KubeVirt, or a user without rights to it, has no such functions. */
  const orNone = async (followed: Promise<void>, put: () => void) => {
    try {
      await followed;
    } catch (thrown) {
      const { code } = toFirstlightError(thrown);
      if (code !== 'NOT_FOUND' && code !== 'CLUSTER_DENIED') throw thrown;
      put();
      noteChange();
    }
  };
  const watches = [
    followAll<DeploymentObject>('deployments', deploymentSelector, (found) => {
      deployments = found;
      causesAreOld = true;
    }),
    orNone(
      followAll<KnativeService>(knativeServices, managedSelector, (found) => {
        services = found;
      }),
      () => {
        services = [];
      },
    ),
    orNone(
      followAll<KnativeRevision>(knativeRevisions, managedSelector, (found) => {
        revisions = found;
      }),
      () => {
        revisions = [];
      },
    ),
    orNone(
      followAll<VmReplicaSet>(vmReplicaSets, managedSelector, (found) => {
        sets = found;
      }),
      () => {
        sets = [];
      },
    ),
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

import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStream, StreamRequest } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type Cluster, listPods, pathOf } from './cluster.ts';
import { findFunction } from './find-function.ts';
import type { PodObject } from './kube/objects.ts';

type LogChoice = Pick<StreamRequest<'deploy:logs'>, 'follow' | 'tailLines'>;

/** The interval between searches for new pods while no pod prints. Units: ms. */
const nextPodMs = 1000;

/**
 * Writes the output of the function's pods to a stream: of present pods, and with `follow` of later ones. With several,
 * each line begins with its pod's name.
 *
 * Errors: NOT_FOUND; CLUSTER_*.
 */
export async function streamLogs(
  cluster: Cluster,
  name: string,
  { follow, tailLines }: LogChoice,
  stream: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const { signal } = stream;
  await findFunction(cluster, name, signal);
  const followed = new Map<string, Promise<void>>();
  for (;;) {
    const pods = await listPods(cluster, name, signal);
    const isPlain = pods.length === 1 && followed.size === 0;
    for (const pod of pods.filter(hasBegun)) {
      const { uid = '', name: podName } = pod.metadata;
      if (followed.has(uid)) continue;
      const prefix = isPlain ? '' : `[${podName}] `;
      const copying = copyLog(cluster, pod, { follow, tailLines }, prefix, stream);
      followed.set(
        uid,
        copying.catch((thrown: unknown) => report(thrown, prefix, stream)),
      );
    }
    if (!follow) break;
    await sleep(nextPodMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
  }
  await Promise.all(followed.values());
}

/** Before a container has begun there is no log, and asking for it is an error. */
const hasBegun = ({ status }: PodObject): boolean =>
  status?.containerStatuses?.some(({ state, restartCount }) => state?.waiting === undefined || restartCount > 0) ??
  false;

/** The container that prints what a function does: its own, or on KubeVirt the one that copies the serial console. */
export const containerOf = ({ metadata }: PodObject): string =>
  metadata.labels?.['kubevirt.io'] === 'virt-launcher' ? 'guest-console-log' : 'function';

async function copyLog(
  cluster: Cluster,
  pod: PodObject,
  { follow, tailLines }: LogChoice,
  prefix: string,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const query = { follow: String(follow), tailLines: String(tailLines), container: containerOf(pod) };
  for await (const line of cluster.client.lines(`${pathOf(cluster, 'pods', pod.metadata.name)}/log`, {
    query,
    signal,
  })) {
    await write(Buffer.from(`${prefix}${line}\n`));
  }
}

async function report(thrown: unknown, prefix: string, { write, signal }: Pick<EngineStream, 'write' | 'signal'>) {
  if (signal.aborted) return;
  const message = thrown instanceof FirstlightError ? thrown.message : String(thrown);
  await write(Buffer.from(`${prefix}(the log ends: ${message})\n`));
}

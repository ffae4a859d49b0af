import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStream, StreamRequest } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Cluster, listPods, nullIfMissing, pathOf } from './cluster.ts';
import { copyLogBytes } from './copy-log.ts';
import { findFunction } from './find-function.ts';
import { follow } from './kube/follow.ts';
import type { PodObject } from './kube/objects.ts';
import { describeLostNode } from './lost-node.ts';
import { selectorOf } from './names.ts';
import { createTimedLogReader } from './timed-log.ts';

type LogChoice = Pick<StreamRequest<'deploy:logs'>, 'follow' | 'tailLines'>;

/** The wait before a lost connection is made again. Units: ms. */
const againMs = 1000;

/**
 * Writes the output of the function's pods to a stream: of present pods, and with `follow` of later ones, also while the
 * cluster cannot be reached for a time. With several, each line begins with its pod's name.
 *
 * Errors: NOT_FOUND; CLUSTER_*.
 */
export async function streamLogs(
  cluster: Cluster,
  name: string,
  choice: LogChoice,
  stream: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const { signal } = stream;
  await findFunction(cluster, name, signal);
  /** The copies of logs, one for each container, and the notes on pods without one. Shape: none of them rejects. */
  const copies = new Map<string, Promise<void>>();
  const pods = new Set<string>();
  function take(found: readonly PodObject[]): void {
    const isPlain =
      found.every(({ metadata }) => pods.size === 0 || pods.has(metadata.uid ?? '')) && found.length === 1;
    for (const pod of found.filter(hasBegun)) {
      const { uid = '', name: podName } = pod.metadata;
      const lostNode = describeLostNode(pod);
      const key = `${uid} ${lostNode === null ? restartsOf(pod) : 'lost'}`;
      if (copies.has(key)) continue;
      const prefix = isPlain ? '' : `[${podName}] `;
      const copying =
        lostNode === null
          ? copyLog(cluster, pod, choice, prefix, stream).catch((thrown: unknown) => report(thrown, prefix, stream))
          : // A request for its log would wait for the node.
            stream.write(Buffer.from(`(no log of ${podName}: ${lostNode})\n`));
      pods.add(uid);
      // A write fails only when the reader is gone, which ends the stream.
      const settled = copying.catch(() => undefined);
      copies.set(key, settled);
    }
  }
  if (choice.follow) {
    const query = { labelSelector: selectorOf(name), signal };
    await follow<PodObject>(cluster.client, pathOf(cluster, 'pods'), query, take);
  } else take(await listPods(cluster, name, signal));
  await Promise.all(copies.values());
}

/** Before a container has begun there is no log, and asking for it is an error. */
const hasBegun = ({ status }: PodObject): boolean =>
  status?.containerStatuses?.some(({ state, restartCount }) => state?.waiting === undefined || restartCount > 0) ??
  false;

/** How often its container has begun anew: each time it has a log of its own. */
const restartsOf = (pod: PodObject): number =>
  pod.status?.containerStatuses?.find(({ name }) => name === containerOf(pod))?.restartCount ?? 0;

/** The container that prints what a function does: its own, or on KubeVirt the one that copies the serial console. */
export const containerOf = ({ metadata }: PodObject): string =>
  metadata.labels?.['kubevirt.io'] === 'virt-launcher' ? 'guest-console-log' : 'function';

/**
 * Copies the log of one pod. With `follow`, one that is lost or silent, or ends while its container runs, is opened
 * again, without a line missing or doubled.
 */
async function copyLog(
  cluster: Cluster,
  pod: PodObject,
  { follow, tailLines }: LogChoice,
  prefix: string,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const path = pathOf(cluster, 'pods', pod.metadata.name);
  const reader = createTimedLogReader();
  const lines = createPrefixer(prefix);
  for (let isLost = false; ; ) {
    const sinceTime = reader.reopen();
    const query = {
      ...{ follow: String(follow), timestamps: 'true', container: containerOf(pod) },
      ...(sinceTime === undefined ? { tailLines: String(tailLines) } : { sinceTime }),
    };
    try {
      const end = await copyLogBytes(cluster, `${path}/log`, { query, signal }, async (chunk) => {
        isLost = false;
        const fresh = lines.push(reader.push(chunk));
        if (fresh.length > 0) await write(fresh);
      });
      if (end === 'ended' && !(follow && (await isRunning(cluster, path, pod, signal)))) {
        const rest = lines.end();
        if (rest.length > 0) await write(rest);
        return;
      }
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (!follow || signal.aborted || error.code !== 'CLUSTER_UNREACHABLE') throw thrown;
      if (!isLost) await write(Buffer.from(`${prefix}(the connection is lost and tried again: ${error.message})\n`));
      isLost = true;
    }
    await sleep(againMs, undefined, { signal }).catch(() => undefined);
  }
}

/** True while the container whose log was opened runs on: not the next one of its pod, which has a log of its own. */
async function isRunning({ client }: Cluster, path: string, pod: PodObject, signal: AbortSignal): Promise<boolean> {
  const now = await nullIfMissing(client.json<PodObject>(path, { signal }));
  if (now === null || now.metadata.uid !== pod.metadata.uid || restartsOf(now) !== restartsOf(pod)) return false;
  const state = now.status?.containerStatuses?.find(({ name }) => name === containerOf(now))?.state;
  return state?.terminated === undefined && describeLostNode(now) === null;
}

/** Puts a prefix before each line. A line is passed on when it is whole: those of several pods do not mix. */
function createPrefixer(prefix: string) {
  let begun = Buffer.alloc(0);
  const put = (whole: Buffer) => {
    if (prefix === '' || whole.length === 0) return whole;
    const lines = whole.toString('latin1').slice(0, -1).split('\n');
    return Buffer.from(lines.map((line) => `${latin1Of(prefix)}${line}\n`).join(''), 'latin1');
  };
  return {
    push: (chunk: Uint8Array): Buffer => {
      const all = Buffer.concat([begun, chunk]);
      const end = all.lastIndexOf('\n') + 1;
      begun = all.subarray(end);
      return put(all.subarray(0, end));
    },
    end: (): Buffer => (begun.length === 0 ? begun : put(Buffer.concat([begun, Buffer.from('\n')]))),
  };
}

/** The bytes of a text in UTF-8, each as one character: a log may have bytes of no encoding. */
const latin1Of = (text: string) => Buffer.from(text).toString('latin1');

async function report(thrown: unknown, prefix: string, { write, signal }: Pick<EngineStream, 'write' | 'signal'>) {
  if (signal.aborted) return;
  const message = thrown instanceof FirstlightError ? thrown.message : String(thrown);
  await write(Buffer.from(`${prefix}(the log ends: ${message})\n`));
}

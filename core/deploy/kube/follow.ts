import { setTimeout as sleep } from 'node:timers/promises';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './objects.ts';

interface List<Value> {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly items?: readonly Value[];
}
interface WatchEvent<Value> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Value & { readonly code?: number };
}

/** Asks for the metadata of objects in place of the whole. Source: Kubernetes' API concepts. */
export const metadataOf = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const;

const firstWaitMs = 250;
const maxWaitMs = 10_000;

export interface FollowOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Only the metadata of the objects is asked for. */
  readonly onlyMetadata?: boolean;
  readonly signal: AbortSignal;
  /** The time without any answer after which it is given up. Absent: it goes on until the signal aborts. Units: ms. */
  readonly patienceMs?: number | undefined;
}

/**
 * Keeps a picture of the objects of a path by list and watch, and reports each change, until the signal aborts. A watch
 * that ended or expired (410, as a status or in the stream) begins again with a list, later each time.
 *
 * Errors: CLUSTER_DENIED, CLUSTER_REFUSED, NOT_FOUND: failures that waiting does not cure; CLUSTER_UNREACHABLE after
 * `patienceMs`.
 */
export async function follow<Value extends KubeObject>(
  client: KubeClient,
  path: string,
  { labelSelector, fieldSelector, onlyMetadata = false, signal, patienceMs = Number.POSITIVE_INFINITY }: FollowOptions,
  onChange: (objects: readonly Value[]) => void,
): Promise<void> {
  let waitMs = firstWaitMs;
  let lostAt: number | null = null;
  while (!signal.aborted) {
    try {
      const known = new Map<string, Value>();
      const list = await client.json<List<Value>>(path, {
        query: { labelSelector, fieldSelector },
        accept: onlyMetadata ? metadataOf.list : undefined,
        signal,
      });
      lostAt = null;
      for (const item of list.items ?? []) known.set(item.metadata.uid ?? item.metadata.name, item);
      onChange([...known.values()]);
      const query = {
        watch: '1',
        allowWatchBookmarks: 'true',
        timeoutSeconds: '300',
        resourceVersion: list.metadata?.resourceVersion,
        labelSelector,
        fieldSelector,
      };
      const accept = onlyMetadata ? metadataOf.object : undefined;
      for await (const line of client.lines(path, { query, accept, signal })) {
        const event = parseEvent<Value>(line);
        if (event === null || event.type === 'ERROR') break;
        waitMs = firstWaitMs;
        if (event.type === 'BOOKMARK') continue;
        const key = event.object.metadata.uid ?? event.object.metadata.name;
        if (event.type === 'DELETED') known.delete(key);
        else known.set(key, event.object);
        onChange([...known.values()]);
      }
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (signal.aborted) return;
      const isExpired = error instanceof FirstlightError && error.details.subject === 'Expired';
      if (error.code !== 'CLUSTER_UNREACHABLE' && !isExpired) throw error;
      lostAt ??= performance.now();
      if (!isExpired && performance.now() - lostAt >= patienceMs) throw error;
    }
    if (signal.aborted) return;
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(maxWaitMs, waitMs * 2);
  }
}

/** Null for a line that was cut off. */
function parseEvent<Value>(line: string): WatchEvent<Value> | null {
  try {
    return JSON.parse(line) as WatchEvent<Value>;
  } catch {
    return null;
  }
}

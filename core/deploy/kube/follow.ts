import { setTimeout as sleep } from 'node:timers/promises';
import { toFirstlightError } from '#shared/errors.ts';
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
/** The server ends a watch after this time, and the next one goes on from there. Units: s. */
const watchSeconds = 60;
/** A watch that has not ended by then has lost its connection without a word, as in a computer that slept. Units: ms. */
const watchLimitMs = 75_000;

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
 * that ended goes on from its last version; one that expired (410, as a status or in the stream) or broke off begins
 * again with a list, later each time.
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
  const known = new Map<string, Value>();
  const keyOf = ({ metadata: { uid, name } }: Value) => uid ?? name;
  const tell = () => onChange([...known.values()]);
  /** The version of the picture; null while it is to be listed. */
  let version: string | null = null;
  let waitMs = firstWaitMs;
  let lostAt: number | null = null;

  async function list(): Promise<string> {
    const accept = onlyMetadata ? metadataOf.list : undefined;
    const found = await client.json<List<Value>>(path, { query: { labelSelector, fieldSelector }, accept, signal });
    known.clear();
    for (const item of found.items ?? []) known.set(keyOf(item), item);
    tell();
    return found.metadata?.resourceVersion ?? '';
  }

  /** The version when the watch ended; null where the picture is to be listed again. */
  async function watch(from: string, limit: AbortSignal): Promise<string | null> {
    let at = from;
    const own = {
      watch: '1',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
      resourceVersion: from,
    };
    const accept = onlyMetadata ? metadataOf.object : undefined;
    const request = { query: { ...own, labelSelector, fieldSelector }, accept, signal: limit };
    for await (const line of client.lines(path, request)) {
      const event = parseEvent<Value>(line);
      if (event === null || event.type === 'ERROR') return null;
      waitMs = firstWaitMs;
      at = event.object.metadata.resourceVersion ?? at;
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') known.delete(keyOf(event.object));
      else known.set(keyOf(event.object), event.object);
      tell();
    }
    return at;
  }

  while (!signal.aborted) {
    const silent = new AbortController();
    const timer = setTimeout(() => silent.abort(), watchLimitMs);
    try {
      version ??= await list();
      lostAt = null;
      version = await watch(version, AbortSignal.any([signal, silent.signal]));
    } catch (thrown) {
      version = null;
      if (signal.aborted) return;
      const error = toFirstlightError(thrown);
      const isExpired = silent.signal.aborted || error.details.subject === 'Expired';
      if (error.code !== 'CLUSTER_UNREACHABLE' && !isExpired) throw error;
      lostAt ??= performance.now();
      if (!isExpired && performance.now() - lostAt >= patienceMs) throw error;
    } finally {
      clearTimeout(timer);
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

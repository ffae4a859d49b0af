import { FirstlightError } from '#shared/errors.ts';
import type { Cluster } from './cluster.ts';

/**
 * A log that was silent for this long is asked for again: a kubelet may follow a file that was rotated away, and a
 * connection may be lost without a word, as in a computer that slept. Units: ms.
 */
const silentMs = 60_000;

export interface LogRequest {
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Hands on the bytes of a log until it ends, or is silent for long. Errors: as `KubeClient.bytes`; CLUSTER_UNREACHABLE
 * for silence in a log that is not followed.
 */
export async function copyLogBytes(
  { client }: Pick<Cluster, 'client'>,
  path: string,
  { query, signal }: LogRequest,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<'ended' | 'silent'> {
  const silent = new AbortController();
  const wait = () => setTimeout(() => silent.abort(), silentMs);
  let timer = wait();
  try {
    const limit = AbortSignal.any([signal, silent.signal]);
    for await (const chunk of client.bytes(path, { query, signal: limit })) {
      // A slow reader is not the log's silence.
      clearTimeout(timer);
      await write(chunk);
      timer = wait();
    }
    return 'ended';
  } catch (thrown) {
    if (signal.aborted || !silent.signal.aborted) throw thrown;
    if (query.follow === 'true') return 'silent';
    throw new FirstlightError('CLUSTER_UNREACHABLE', `The log stopped in the middle, for ${silentMs / 1000} s.`);
  } finally {
    clearTimeout(timer);
  }
}

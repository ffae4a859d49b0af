import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStream } from '#shared/contract/index.ts';
import type { Fleet } from './fleet.ts';
import { listOnHosts } from './instances.ts';

/** Events of several changes come close together. Units: ms. */
const settleMs = 200;

/**
 * Writes the functions of a target as a line of JSON, and again after each event of a domain there; an identical line is
 * not repeated. Errors: LIBVIRT_*.
 */
export async function watchHosts(
  fleet: Fleet,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  let wake: () => void = () => undefined;
  let isChanged = true;
  const onEvent = () => {
    isChanged = true;
    wake();
  };
  await Promise.all(
    fleet.hosts.flatMap(({ connection }) => [
      connection.subscribe('lifecycle', onEvent),
      connection.subscribe('metadata-change', onEvent),
    ]),
  );
  // A host that is lost sends no events: the next list reports it.
  for (const { connection } of fleet.hosts) connection.on('disconnected', onEvent);
  signal.addEventListener('abort', () => wake(), { once: true });
  let last = '';
  while (!signal.aborted) {
    if (!isChanged) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      await sleep(settleMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    isChanged = false;
    const line = `${JSON.stringify(await listOnHosts(fleet))}\n`;
    if (line !== last) await write(Buffer.from(line));
    last = line;
  }
}

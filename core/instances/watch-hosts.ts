import { setTimeout as sleep } from 'node:timers/promises';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { Host } from '#core/vmm/host.ts';

export interface HostWatchOptions {
  readonly hosts: () => readonly Host[];
  /** Brings the list of instances in line with the machines of a host. */
  readonly reconcile: (host: Host) => Promise<void>;
  readonly log: (line: string) => void;
}

/** Reads the machines of hosts, in the background: projects and runs are usable while a host is away. */
export interface HostWatch {
  /** Reads the machines of a host, now. */
  readonly reconcile: (host: Host) => void;
  /** Settles when each host has been read, is known to be lost, or has not answered in time. */
  readonly reconciled: () => Promise<void>;
  readonly forget: (host: Host) => void;
  readonly close: () => void;
}

/** A host that was lost is tried again this often. */
const retryMs = 5_000;
/** A caller waits for a host that hangs no longer than this: connecting is given up after 4 s. */
const patienceMs = 6_000;

export function createHostWatch({ hosts, reconcile, log }: HostWatchOptions): HostWatch {
  const underWay = new Map<Host, Promise<void>>();
  const lastFailures = new Map<Host, string>();
  let isClosed = false;

  async function read(host: Host): Promise<void> {
    try {
      await reconcile(host);
      lastFailures.delete(host);
    } catch (thrown) {
      const { message } = toFirstlightError(thrown);
      if (message !== lastFailures.get(host) && !isClosed) log(message);
      lastFailures.set(host, message);
    }
  }

  function start(host: Host): void {
    const reading = read(host).finally(() => {
      if (underWay.get(host) === reading) underWay.delete(host);
    });
    underWay.set(host, reading);
  }

  const retry = setInterval(() => {
    for (const host of hosts()) if (host.vmm.state === 'lost' && !underWay.has(host)) start(host);
  }, retryMs).unref();

  return {
    reconcile: start,
    reconciled: async () => {
      const waited = [...underWay].filter(([host]) => !lastFailures.has(host)).map(([, reading]) => reading);
      if (waited.length === 0) return;
      const over = new AbortController();
      const late = sleep(patienceMs, undefined, { signal: over.signal });
      late.catch(() => undefined);
      await Promise.race([Promise.all(waited), late]).finally(() => over.abort());
    },
    forget: (host) => {
      underWay.delete(host);
      lastFailures.delete(host);
    },
    close: () => {
      isClosed = true;
      clearInterval(retry);
    },
  };
}

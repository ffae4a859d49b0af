import { setTimeout as sleep } from 'node:timers/promises';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { Host } from '#core/vmm/host.ts';
import { describeHost } from '#core/vmm/hosts.ts';
import type { HostInfo } from '#shared/model/host.ts';

export interface HostWatchOptions {
  readonly hosts: () => readonly Host[];
  /** Brings the list of instances in line with the machines of a host. */
  readonly reconcile: (host: Host) => Promise<void>;
  readonly log: (line: string) => void;
  /** Called when what is known of a host's machines has changed: see `describe`. */
  readonly onChanged: () => void;
}

/** Reads the machines of hosts, in the background: projects and runs are usable while a host is away. */
export interface HostWatch {
  /** Reads the machines of a host, now. */
  readonly reconcile: (host: Host) => void;
  /** Settles when each host has been read, is known to be lost, or has not answered in time. */
  readonly reconciled: () => Promise<void>;
  /** The host as clients see it: connected only when its machines are known, since a list without them is a guess. */
  readonly describe: (host: Host) => HostInfo;
  readonly forget: (host: Host) => void;
  readonly close: () => void;
}

/** A host that was lost is tried again this often. */
const retryMs = 5_000;
/** A caller waits for a host that hangs no longer than this: connecting is given up after 3 s. */
const patienceMs = 6_000;

export function createHostWatch({ hosts, reconcile, log, onChanged }: HostWatchOptions): HostWatch {
  const underWay = new Map<Host, Promise<void>>();
  const lastFailures = new Map<Host, string>();
  const haveRead = new Set<Host>();
  let isClosed = false;

  const tellChange = () => {
    if (!isClosed) onChanged();
  };

  async function read(host: Host): Promise<void> {
    try {
      await reconcile(host);
      const isNew = !haveRead.has(host);
      haveRead.add(host);
      if (lastFailures.delete(host) || isNew) tellChange();
    } catch (thrown) {
      const { message } = toFirstlightError(thrown);
      if (message === lastFailures.get(host)) return;
      if (!isClosed) log(message);
      lastFailures.set(host, message);
      tellChange();
    }
  }

  function start(host: Host): void {
    const reading = read(host).finally(() => {
      if (underWay.get(host) === reading) underWay.delete(host);
    });
    underWay.set(host, reading);
  }

  const retry = setInterval(() => {
    for (const host of hosts()) {
      if ((host.vmm.state === 'lost' || lastFailures.has(host)) && !underWay.has(host)) start(host);
    }
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
    describe: (host) => {
      const info = describeHost(host);
      if (info.state !== 'connected') return info;
      const failure = lastFailures.get(host);
      if (failure !== undefined) return { ...info, state: 'lost', failure };
      return haveRead.has(host) ? info : { ...info, state: 'connecting' };
    },
    forget: (host) => {
      underWay.delete(host);
      haveRead.delete(host);
      lastFailures.delete(host);
    },
    close: () => {
      isClosed = true;
      clearInterval(retry);
    },
  };
}

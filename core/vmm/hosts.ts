import { z } from 'zod';
import type { Settings, SettingValues } from '#core/store/settings.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type HostEntry, type HostInfo, hostEntrySchema, localHostName } from '#shared/model/host.ts';
import { createQueue } from '#shared/queue.ts';
import { firecrackerHint, firecrackerHostName } from './firecracker/find-firecracker.ts';
import type { Host } from './host.ts';

export interface HostsOptions {
  /** The address of this machine's libvirt. */
  readonly localUri: string;
  /** Further VMMs on this machine, present without being added. */
  readonly builtIn?: readonly HostEntry[] | undefined;
  /** The settings that contain the other hosts, under `hosts`. */
  readonly settings: Settings;
  /** A host that is not connected yet. */
  readonly open: (entry: HostEntry) => Host;
  /** Called for each host that was added, also those that were added before. */
  readonly onAdded: (host: Host) => void;
  readonly onRemoved: (host: Host) => void;
  /** Called at each load with why the list in the settings is not valid. */
  readonly warn: (error: FirstlightError) => void;
}

/** The hosts of this user: this machine, and those that were added. */
export interface Hosts {
  readonly local: Host;
  readonly list: () => readonly Host[];
  /** The host of that name; without one, this machine. Errors: NOT_FOUND; STORE_UNUSABLE while the list is not valid. */
  readonly find: (name?: string) => Promise<Host>;
  /** Brings the list in line with the settings, which another program may have changed. */
  readonly load: () => Promise<void>;
  /** Errors: ALREADY_EXISTS; STORE_UNUSABLE for a list that is not valid; the error of connecting. */
  readonly add: (entry: HostEntry) => Promise<Host>;
  /** Errors: NOT_FOUND; STORE_UNUSABLE for a list that is not valid; BAD_INPUT for this machine. */
  readonly remove: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const settingsKey = 'hosts';
const entriesSchema = z.array(hostEntrySchema);

export function createHosts({ localUri, builtIn = [], settings, open, onAdded, onRemoved, warn }: HostsOptions): Hosts {
  const local = open({ name: localHostName, uri: localUri });
  const alsoHere = builtIn.map(open);
  const isBuiltIn = (name: string) => name === localHostName || alsoHere.some((host) => host.name === name);
  const others = new Map<string, Host>();
  /** Why the list in the settings was not valid when it was last read. */
  let fault: FirstlightError | null = null;
  /** One change at a time, so that no host is opened twice. */
  const inTurn = createQueue();

  /** The list as it is in the settings. Errors: STORE_UNUSABLE. */
  function entriesIn({ [settingsKey]: value = [] }: SettingValues): HostEntry[] {
    const parsed = entriesSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const place = [settingsKey, ...(issue?.path ?? [])].join('.');
    const message = `The setting "${settingsKey}" is not a list of hosts with "name" and "uri" (${place}: ${issue?.message}).`;
    throw new FirstlightError('STORE_UNUSABLE', message, {
      hint: `Correct "${settingsKey}" in ${settings.path}, or remove it there. Nothing was changed.`,
    });
  }

  /** The hosts to use: none but this machine while the list is not valid. */
  async function readEntries(): Promise<HostEntry[]> {
    const values = await settings.get();
    fault = null;
    try {
      return entriesIn(values).filter(({ name }) => !isBuiltIn(name));
    } catch (thrown) {
      if (!(thrown instanceof FirstlightError)) throw thrown;
      fault = thrown;
      return [];
    }
  }

  async function follow(): Promise<void> {
    const entries = await readEntries();
    for (const host of [...others.values()]) {
      const isKept = entries.some(({ name, uri }) => name === host.name && uri === host.vmm.uri);
      if (!isKept) await drop(host);
    }
    for (const entry of entries) {
      if (!others.has(entry.name)) accept(open(entry));
    }
  }

  function accept(host: Host): void {
    others.set(host.name, host);
    onAdded(host);
  }

  async function drop(host: Host): Promise<void> {
    others.delete(host.name);
    onRemoved(host);
    await host.vmm.close();
  }

  /** Brings the list in line, and refuses one that is not valid. Errors: STORE_UNUSABLE. */
  async function loadValid(): Promise<void> {
    await inTurn(follow);
    if (fault !== null) throw fault;
  }

  async function load(): Promise<void> {
    await inTurn(follow);
    if (fault !== null) warn(new FirstlightError(fault.code, `${fault.message} Only this machine is used.`, fault));
  }

  const list = () => [local, ...alsoHere, ...[...others.values()].sort((a, b) => a.name.localeCompare(b.name))];

  async function find(name: string = localHostName): Promise<Host> {
    const here = [local, ...alsoHere].find((host) => host.name === name);
    if (here !== undefined) return here;
    if (!others.has(name)) await loadValid();
    const host = others.get(name);
    if (host !== undefined) return host;
    if (name === firecrackerHostName) {
      throw new FirstlightError('TOOL_MISSING', 'There is no Firecracker on this machine.', { hint: firecrackerHint });
    }
    const names = list().map((one) => one.name);
    throw new FirstlightError('NOT_FOUND', `There is no host "${name}".`, { hint: `There are: ${names.join(', ')}` });
  }

  const here = () => list().map(({ name, vmm }): HostEntry => ({ name, uri: vmm.uri }));

  function refuseKnown({ name, uri }: HostEntry, known: readonly HostEntry[]): void {
    const same = known.find((entry) => entry.name === name || entry.uri === uri);
    if (same === undefined) return;
    throw new FirstlightError('ALREADY_EXISTS', `There is a host "${same.name}" at ${same.uri} already.`, {
      hint: 'Choose another name or address, or remove that one: firstlight host rm <name>',
    });
  }

  return {
    local,
    list,
    find,
    load,
    add: async (entry) => {
      await loadValid();
      refuseKnown(entry, here());
      const host = open(entry);
      try {
        await host.vmm.connect();
        await inTurn(async () => {
          refuseKnown(entry, here());
          // Another program may have added some since.
          await settings.update((present) => {
            const entries = entriesIn(present);
            refuseKnown(entry, entries);
            return { [settingsKey]: [...entries, entry] };
          });
          accept(host);
        });
      } catch (thrown) {
        await host.vmm.close();
        throw thrown;
      }
      return host;
    },
    remove: async (name) => {
      if (isBuiltIn(name)) {
        throw new FirstlightError(
          'BAD_INPUT',
          `${name} is this machine, which is always a host: it cannot be removed.`,
          {
            hint: 'FIRSTLIGHT_URI chooses its libvirt.',
          },
        );
      }
      const host = await find(name);
      await inTurn(async () => {
        await settings.update((present) => ({
          [settingsKey]: entriesIn(present).filter((entry) => entry.name !== name),
        }));
        await drop(host);
      });
    },
    close: async () => {
      await Promise.all(list().map(({ vmm }) => vmm.close()));
    },
  };
}

/** A host as clients see it. */
export function describeHost({ name, vmm }: Host): HostInfo {
  return { name, uri: vmm.uri, state: vmm.state, failure: vmm.failure?.message ?? null };
}

import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Connection, Domain, LifecycleEvent } from 'node-libvirt';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import { machineNamePrefix, type PlacedMachine } from '../machine.ts';
import type { CreateOptions, MachineEnd, RunningMachine, Vmm, VmmListener } from '../vmm.ts';
import { writeDomainXml } from './domain-xml.ts';
import { findQemu } from './find-qemu.ts';
import { createHostFiles } from './host-files.ts';
import { isElsewhere } from './is-elsewhere.ts';
import { isRemote } from './is-remote.ts';
import { answerTimeoutMs, createLibvirtLink, type LibvirtLink, type LinkListener } from './libvirt-link.ts';
import { type AskDomain, domainOf, libvirtMachine } from './libvirt-machine.ts';
import { writeMetadataXml } from './metadata-xml.ts';
import { readStats } from './read-stats.ts';
import { writeRestorable } from './saved-domain.ts';
import { isNameOfThisMachine } from './this-machine.ts';
import { withLibvirtErrors } from './to-firstlight-error.ts';

export interface LibvirtVmmOptions {
  readonly uri: string;
  readonly listener: VmmListener;
  readonly uid: number;
  /** The connection. Replaced in tests. */
  readonly openLink?: ((uri: string, listener: LinkListener) => LibvirtLink) | undefined;
}

/** The machines of one libvirt. It connects when it is first used. */
export function createLibvirtVmm({ uri, listener, uid, openLink = createLibvirtLink }: LibvirtVmmOptions): Vmm {
  /** Of a socket that is no service's of this machine, it is known once it is connected. */
  let remote = isRemote(uri);
  const isUnsure = !remote && isElsewhere(uri);
  const askDomain: AskDomain = (doing, question) => link.ask(doing, (_, options) => question(options));
  const asMachine = (domain: Domain) => libvirtMachine(domain, remote, askDomain);
  const link = openLink(uri, { ...listener, onLifecycle: (event) => reportEvent(event, listener, asMachine) });
  let asked: Connection | null = null;
  const connectionNow = async (): Promise<Connection> => {
    const connection = await link.connection();
    if (isUnsure && connection !== asked) {
      const name = await link.ask('ask libvirt for the name of its host', (_, options) => connection.hostname(options));
      remote = !(await isNameOfThisMachine(name));
      asked = connection;
    }
    return connection;
  };
  const files = createHostFiles(link.connection);
  /** Restored domains that end with us: libvirt has no autodestroy for them. */
  const restored = new Set<RunningMachine>();

  async function save(machine: RunningMachine, dir: string): Promise<void> {
    const domain = domainOf(machine);
    if (domain === undefined) throw new FirstlightError('INTERNAL', `${machine.name} is no machine of libvirt.`);
    await withLibvirtErrors(`save ${machine.name}`, () =>
      domain.save(join(dir, savedName), { timeoutMs: saveTimeoutMs }),
    );
  }

  async function restore(
    placed: PlacedMachine,
    dir: string,
    { keep, metadata, doing }: CreateOptions,
  ): Promise<RunningMachine> {
    const metadataXml = metadata === null ? '' : writeMetadataXml(metadata);
    const file = join(dirname(placed.sockets.serial), restoredName);
    const connection = await connectionNow();
    await writeRestorable(join(dir, savedName), file, { ...placed, metadataXml });
    try {
      const askedNs = hostNow();
      await withLibvirtErrors(doing, () => connection.restoreDomain(file));
      const loadedNs = hostNow();
      const domain = await withLibvirtErrors(doing, () => connection.lookupByUuid(placed.uuid));
      const steps = [
        { name: 'restore.asked', label: 'restore asked of libvirt, which starts QEMU', atNs: askedNs },
        { name: 'restore.loaded', label: 'saved machine loaded', atNs: loadedNs },
      ];
      const machine = libvirtMachine(domain, remote, askDomain, steps);
      if (!keep) restored.add(machine);
      return machine;
    } finally {
      await rm(file, { force: true });
    }
  }

  return {
    id: 'libvirt',
    uri,
    get isRemote() {
      return remote;
    },
    isElsewhere: isElsewhere(uri),
    get state() {
      return link.state;
    },
    get failure() {
      return link.failure;
    },
    // The system's daemon runs QEMU as a separate user, a person's own daemon as that person.
    get runsAsThisUser() {
      return !remote && uid !== 0 && /\/session\b/.test(uri);
    },
    connect: async () => {
      await connectionNow();
    },
    create: async (placed, { keep, metadata, doing }) => {
      const metadataXml = metadata === null ? '' : writeMetadataXml(metadata);
      const connection = await connectionNow();
      const xml = remote
        ? writeDomainXml({ ...(await files.place(placed)), metadataXml, sockets: null }, null)
        : writeDomainXml({ ...placed, metadataXml });
      // libvirt ends a domain with autodestroy when this connection ends, also after `kill -9`.
      const creating = connection.createDomainXml(xml, { paused: true, autodestroy: !keep });
      return asMachine(await withLibvirtErrors(doing, () => creating));
    },
    ...(!isUnsure && savesHere(uri, uid) && { saving: { save, restore } }),
    list: async () => {
      if (isUnsure) await connectionNow();
      const domains = await link.ask(`list the instances at ${uri}`, (connection, options) =>
        connection.listDomains({ active: true, ...options }),
      );
      return domains.filter(isOurs).map(asMachine);
    },
    readStats: async (machines) => {
      const byUuid = new Map(machines.map((machine) => [machine.uuid, machine]));
      const connection = await connectionNow();
      const stats = await connection.getAllDomainStats({
        cpu: true,
        balloon: true,
        interface: true,
        block: true,
        // Another call may block a domain for long, as its creation does.
        nowait: true,
        timeoutMs: answerTimeoutMs,
        domains: machines.flatMap((machine) => domainOf(machine) ?? []),
      });
      return stats.flatMap((one) => {
        const machine = byUuid.get(one.domain.uuid);
        return machine === undefined ? [] : [readStats(machine, one)];
      });
    },
    findProcess: (name) => (remote ? null : findQemu(name)),
    readVersions: async () => {
      const doing = `ask libvirt at ${uri} for its versions`;
      const libvirt = await link.ask(doing, (connection, options) => connection.libVersion(options));
      const connection = await link.connection();
      const qemu = await withLibvirtErrors(doing, () =>
        connection.hypervisorVersion({ timeoutMs: firstQemuTimeoutMs }),
      );
      const text = ({ major, minor, release }: typeof qemu) => `${major}.${minor}.${release}`;
      return { libvirt: text(libvirt), qemu: text(qemu) };
    },
    close: async () => {
      // Those that are gone are no error.
      if (link.state === 'connected') await Promise.all([...restored].map((one) => one.kill().catch(() => undefined)));
      await link.close();
    },
  };
}

/** libvirt has one file for a domain, which holds all. */
const savedName = 'domain';
const restoredName = 'restored';
/** A domain is saved in 0.2 to 2 s; a busy machine takes longer. */
const saveTimeoutMs = 30_000;

/** True where the daemon's files are this process' own: on this machine, as the same user. */
const savesHere = (uri: string, uid: number) =>
  (uid === 0 ? /^qemu:\/\/\/(system|session)/ : /^qemu:\/\/\/session/).test(uri);

/** A daemon that has just started runs each QEMU there is once, which took up to 7 s, before it reports its version. */
const firstQemuTimeoutMs = 20_000;

const isOurs = ({ name }: Domain) => name.startsWith(machineNamePrefix);

function reportEvent(
  event: LifecycleEvent,
  listener: VmmListener,
  asMachine: (domain: Domain) => RunningMachine,
): void {
  const { domain } = event;
  if (!isOurs(domain)) return;
  const reason = machineEndOf(event);
  if (reason !== null) listener.onEnded(domain.uuid, reason);
  else if (event.event === 'started') listener.onStarted(asMachine(domain));
  else if (event.event === 'suspended') listener.onPaused(domain.uuid);
  else if (event.event === 'resumed') listener.onResumed(domain.uuid);
}

/** The reason why a domain ended, from its event; null for an event that does not end one. */
export function machineEndOf(event: Pick<LifecycleEvent, 'event' | 'detail'>): MachineEnd | null {
  if (event.event === 'crashed') return 'vmm-ended';
  if (event.event !== 'stopped') return null;
  return event.detail === 'destroyed' || event.detail === 'shutdown' ? event.detail : 'vmm-ended';
}

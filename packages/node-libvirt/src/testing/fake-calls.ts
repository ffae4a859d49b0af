import * as protocol from '../protocol.gen.ts';
import type { Params } from '../typed-params.ts';
import { type ClientLink, FakeError } from './client-link.ts';
import { FakeDomain, type FakePort } from './fake-domain.ts';

/** The part of the fake server that its answers use. */
export interface FakeServer {
  readonly domains: Map<string, FakeDomain>;
  /** The XML of saved domains, by file. */
  readonly saved: Map<string, string>;
  readonly authTypes: readonly number[];
  startDomain(domain: FakeDomain, paused: boolean): void;
  resumeDomain(domain: FakeDomain): void;
  stopDomain(domain: FakeDomain, how?: 'destroyed' | 'shutdown'): void;
  emitLifecycle(domain: FakeDomain, event: number, detail: number): void;
}

type Answer<C extends { args: unknown; ret: unknown; stream: boolean }> = (
  fake: FakeServer,
  link: ClientLink,
  args: C['args'],
) => C['stream'] extends true ? FakePort : C['ret'];

/** One answer for every call of the protocol description: the compiler checks that none is missing. */
export type CallHandlers = { [K in keyof protocol.CallTypes]: Answer<protocol.CallTypes[K]> };

const { ErrorCode } = protocol;

function find(fake: FakeServer, dom: protocol.Domain): FakeDomain {
  return findBy(fake, (domain) => domain.uuid === dom.uuid, `uuid '${dom.uuid}' (${dom.name})`);
}

function findBy(fake: FakeServer, matches: (domain: FakeDomain) => boolean, what: string): FakeDomain {
  for (const domain of fake.domains.values()) if (matches(domain)) return domain;
  throw new FakeError(ErrorCode.VIR_ERR_NO_DOMAIN, `Domain not found: no domain with matching ${what}`);
}

function findActive(fake: FakeServer, dom: protocol.Domain): FakeDomain {
  const domain = find(fake, dom);
  if (domain.active) return domain;
  throw new FakeError(ErrorCode.VIR_ERR_OPERATION_INVALID, 'Requested operation is not valid: domain is not running');
}

const wire = ({ name, uuid, id }: FakeDomain): protocol.Domain => ({ name, uuid, id });

function add(fake: FakeServer, xml: string, persistent: boolean): FakeDomain {
  const domain = new FakeDomain(xml, persistent);
  if (domain.name === '') throw new FakeError(ErrorCode.VIR_ERR_XML_ERROR, 'XML error: the domain has no name');
  for (const other of fake.domains.values()) {
    if (other.name === domain.name && !persistent) {
      throw new FakeError(
        ErrorCode.VIR_ERR_OPERATION_FAILED,
        `operation failed: domain '${domain.name}' already exists`,
      );
    }
  }
  fake.domains.set(domain.uuid, domain);
  return domain;
}

function start(fake: FakeServer, link: ClientLink, domain: FakeDomain, flags: number): { dom: protocol.Domain } {
  if (flags & protocol.CreateFlag.AUTODESTROY) link.autodestroy.add(domain.uuid);
  fake.startDomain(domain, (flags & protocol.CreateFlag.PAUSED) !== 0);
  return { dom: wire(domain) };
}

function listed(domain: FakeDomain, flags: number): boolean {
  const { ListFlag, DomainState } = protocol;
  const groups: [number, boolean][][] = [
    [
      [ListFlag.ACTIVE, domain.active],
      [ListFlag.INACTIVE, !domain.active],
    ],
    [
      [ListFlag.PERSISTENT, domain.persistent],
      [ListFlag.TRANSIENT, !domain.persistent],
    ],
    [
      [ListFlag.RUNNING, domain.state === DomainState.RUNNING],
      [ListFlag.PAUSED, domain.state === DomainState.PAUSED],
      [ListFlag.SHUTOFF, domain.state === DomainState.SHUTOFF],
    ],
  ];
  return groups.every((group) => {
    const asked = group.filter(([bit]) => flags & bit);
    return asked.length === 0 || asked.some(([, holds]) => holds);
  });
}

function statsOf(domain: FakeDomain): Params {
  return { 'state.state': domain.state, 'state.reason': domain.reason, ...domain.stats };
}

function register(link: ClientLink, kind: number | 'monitor'): { callbackId: number } {
  const callbackId = link.nextCallbackId++;
  link.callbacks.set(callbackId, kind);
  return { callbackId };
}

const ok = () => undefined;

/** It has no storage, as a libvirt without that driver. */
const noStorage = (): never => {
  throw new FakeError(ErrorCode.VIR_ERR_NO_SUPPORT, 'this function is not supported by the connection driver');
};

export const callHandlers: CallHandlers = {
  authList: (fake) => ({ types: [...fake.authTypes] }),
  authPolkit: () => ({ complete: 1 }),
  connectOpen: ok,
  connectClose: ok,
  connectGetType: () => ({ type: 'QEMU' }),
  connectGetVersion: () => ({ version: 7_002_000 }),
  connectGetLibVersion: () => ({ version: 9_000_000 }),
  connectGetHostname: () => ({ hostname: 'fake' }),
  connectGetUri: () => ({ uri: 'qemu:///system' }),
  connectGetCapabilities: () => ({ xml: '<capabilities/>' }),
  connectGetDomainCapabilities: () => ({ xml: '<domainCapabilities/>' }),
  connectSupportsFeature: () => ({ supported: 1 }),
  nodeGetInfo: () => ({
    model: [...Buffer.from('x86_64'.padEnd(32, '\0'))],
    memoryKib: 8_388_608,
    cpus: 2,
    mhz: 2_000,
    nodes: 1,
    sockets: 1,
    cores: 2,
    threads: 1,
  }),
  connectListAllDomains: (fake, _link, { flags }) => {
    const domains = [...fake.domains.values()].filter((domain) => listed(domain, flags)).map(wire);
    return { domains, total: domains.length };
  },
  connectGetAllDomainStats: (fake, _link, { doms, flags }) => {
    const asked = doms.length > 0 ? doms.map((dom) => find(fake, dom)) : [...fake.domains.values()];
    const chosen = asked.filter((domain) => listed(domain, flags & 0xff));
    return { records: chosen.map((domain) => ({ dom: wire(domain), params: statsOf(domain) })) };
  },
  connectDomainEventCallbackRegisterAny: (_fake, link, { eventId }) => register(link, eventId),
  connectDomainEventCallbackDeregisterAny: (_fake, link, { callbackId }) => void link.callbacks.delete(callbackId),
  storagePoolCreateXml: noStorage,
  storagePoolDestroy: noStorage,
  storagePoolRefresh: noStorage,
  storagePoolListAllVolumes: noStorage,
  storagePoolLookupByName: noStorage,
  storageVolCreateXml: noStorage,
  storageVolDelete: noStorage,
  storageVolLookupByName: noStorage,
  storageVolGetInfo: noStorage,
  storageVolGetPath: noStorage,
  storageVolUpload: noStorage,
  storageVolDownload: noStorage,
  domainGetAutostart: (fake, _link, { dom }) => ({ autostart: find(fake, dom).autostart ? 1 : 0 }),
  domainSetAutostart: (fake, _link, { dom, autostart }) => {
    const domain = find(fake, dom);
    if (!domain.persistent) {
      throw new FakeError(ErrorCode.VIR_ERR_OPERATION_INVALID, 'cannot set autostart for transient domain');
    }
    domain.autostart = autostart !== 0;
  },
  domainCreateXml: (fake, link, { xml, flags }) => start(fake, link, add(fake, xml, false), flags),
  domainDefineXmlFlags: (fake, _link, { xml }) => ({ dom: wire(add(fake, xml, true)) }),
  domainCreateWithFlags: (fake, link, { dom, flags }) => {
    const domain = find(fake, dom);
    if (domain.active) throw new FakeError(ErrorCode.VIR_ERR_OPERATION_INVALID, 'domain is already running');
    return start(fake, link, domain, flags);
  },
  domainUndefineFlags: (fake, _link, { dom }) => void fake.domains.delete(find(fake, dom).uuid),
  domainSaveFlags: (fake, _link, { dom, to }) => {
    const domain = findActive(fake, dom);
    fake.saved.set(to, domain.xml);
    fake.stopDomain(domain);
  },
  domainRestoreFlags: (fake, link, { from, flags }) => {
    const xml = fake.saved.get(from);
    if (xml === undefined) throw new FakeError(ErrorCode.VIR_ERR_OPERATION_FAILED, `cannot read ${from}`);
    // VIR_DOMAIN_SAVE_PAUSED is not VIR_DOMAIN_START_PAUSED.
    start(fake, link, add(fake, xml, false), flags === 4 ? 1 : 0);
  },
  domainDestroyFlags: (fake, _link, { dom }) => fake.stopDomain(findActive(fake, dom)),
  domainShutdownFlags: (fake, _link, { dom }) => fake.stopDomain(findActive(fake, dom), 'shutdown'),
  domainReboot: (fake, _link, { dom }) => void findActive(fake, dom),
  domainReset: (fake, _link, { dom }) => void findActive(fake, dom),
  domainInjectNmi: (fake, _link, { dom }) => void findActive(fake, dom),
  domainSuspend: (fake, _link, { dom }) => {
    const domain = findActive(fake, dom);
    domain.setPaused();
    fake.emitLifecycle(domain, protocol.LifecycleEvent.SUSPENDED, protocol.SuspendedDetail.PAUSED);
  },
  domainResume: (fake, _link, { dom }) => fake.resumeDomain(findActive(fake, dom)),
  domainLookupById: (fake, _link, { id }) => ({ dom: wire(findBy(fake, (d) => d.id === id, `id ${id}`)) }),
  domainLookupByName: (fake, _link, { name }) => ({
    dom: wire(findBy(fake, (d) => d.name === name, `name '${name}'`)),
  }),
  domainLookupByUuid: (fake, _link, { uuid }) => ({
    dom: wire(findBy(fake, (d) => d.uuid === uuid, `uuid '${uuid}'`)),
  }),
  domainIsActive: (fake, _link, { dom }) => ({ active: find(fake, dom).active ? 1 : 0 }),
  domainIsPersistent: (fake, _link, { dom }) => ({ persistent: find(fake, dom).persistent ? 1 : 0 }),
  domainGetInfo: (fake, _link, { dom }) => ({
    state: find(fake, dom).state,
    maxMemoryKib: 8192,
    memoryKib: 8192,
    vcpus: 1,
    cpuTimeNs: 0,
  }),
  domainGetState: (fake, _link, { dom }) => {
    const { state, reason } = find(fake, dom);
    return { state, reason };
  },
  domainGetXmlDesc: (fake, _link, { dom }) => ({ xml: find(fake, dom).xml }),
  domainGetMetadata: (fake, _link, { dom, uri }) => {
    const metadata = find(fake, dom).metadata.get(uri ?? '');
    if (metadata === undefined)
      throw new FakeError(ErrorCode.VIR_ERR_NO_DOMAIN_METADATA, 'metadata not found: no such element');
    return { metadata };
  },
  domainSetMetadata: (fake, _link, { dom, uri, metadata }) => {
    const domain = find(fake, dom);
    if (metadata === null) domain.metadata.delete(uri ?? '');
    else domain.metadata.set(uri ?? '', metadata);
  },
  domainOpenConsole: (fake, _link, { dom }) => findActive(fake, dom).console,
  domainOpenChannel: (fake, _link, { dom, name }) => findActive(fake, dom).channel(name ?? ''),
  qemuMonitorCommand: () => ({ result: '{"return":{}}' }),
  qemuMonitorEventRegister: (_fake, link) => register(link, 'monitor'),
  qemuMonitorEventDeregister: (_fake, link, { callbackId }) => void link.callbacks.delete(callbackId),
};

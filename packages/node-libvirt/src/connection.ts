import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { CallOptions } from './call-options.ts';
import { Domain, type StartOptions, startFlags } from './domain.ts';
import { LibvirtConnectionError, LibvirtError } from './errors.ts';
import { type EventKind, type EventMap, toEvent } from './events.ts';
import type { KeepaliveOptions } from './keepalive.ts';
import { openSession } from './open-session.ts';
import * as protocol from './protocol.gen.ts';
import type { CallSpec } from './protocol-types.ts';
import type { Session, SessionHandlers } from './session.ts';
import { type ReconnectOptions, SessionKeeper } from './session-keeper.ts';
import { type DomainStats, type StatsOptions, statsFlags } from './stats.ts';
import { StoragePool } from './storage.ts';
import { LibvirtStream } from './stream.ts';
import { Subscriptions } from './subscriptions.ts';
import { explainTcp, type TcpAddress, type Transport } from './transport.ts';
import { resolveUri } from './uri.ts';

/** The address and the behaviour of a connection. */
export interface ConnectOptions {
  /** As in `qemu:///system`, `qemu:///session` or `qemu+unix:///system?socket=/path`. */
  uri: string;
  /** A transport in place of the URI's unix socket. */
  transport?: Transport;
  /** Read-only access; the system daemon may allow it to anyone. */
  readOnly?: boolean;
  /** Our pings to a silent server: every 5 s, 5 times. `false` sends none and requests none. */
  keepalive?: KeepaliveOptions | false;
  /** Reopening after the connection is lost: about a minute of attempts. `false` gives up at once. */
  reconnect?: ReconnectOptions | false;
  /** Gives up connecting. It has no effect once connected. */
  signal?: AbortSignal;
}

/** The events that a Connection emits. */
export interface ConnectionEvents {
  /** The connection is lost; calls fail until 'reopened'. */
  disconnected: [{ error: LibvirtConnectionError; atNs: bigint }];
  /** The connection is open again, with all subscriptions. Domains may have changed and events may have been lost. */
  reopened: [{ downMs: number }];
  /** The connection has ended: by `close()` (no error), or because reopening failed or is off. */
  closed: [{ error: LibvirtConnectionError | undefined }];
}

/** A running subscription to events. */
export interface Subscription extends AsyncDisposable {
  close(): Promise<void>;
}

/** The version of a part of libvirt, as in 9.0.0. */
export interface Version {
  major: number;
  minor: number;
  release: number;
}

const defaultKeepalive: KeepaliveOptions = { intervalMs: 5_000, count: 5 };
const defaultReconnect: ReconnectOptions = { firstDelayMs: 50, maxDelayMs: 2_000, attempts: 35 };

/** Opens a connection to a libvirt daemon. Errors: LibvirtConnectionError (see its `reason`), LibvirtError. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const target = resolveUri(options.uri, options.readOnly);
  const transport = options.transport ?? target.transport;
  const connection = new Connection(target.name, transport, options);
  try {
    await connection.open(options.signal);
  } catch (error) {
    await transport.close?.();
    throw error;
  }
  return connection;
}

/** A connection to a libvirt daemon. It reopens by itself when the daemon restarts. */
export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #openSession: (
    handlers: SessionHandlers,
    keepalive: KeepaliveOptions | false,
    signal: AbortSignal | undefined,
  ) => Promise<Session>;
  readonly #keeper: SessionKeeper;
  readonly #transport: Transport;
  readonly #subscriptions = new Subscriptions();
  readonly #streams = new Set<LibvirtStream>();

  /** Use `connect()`. */
  constructor(name: string, transport: Transport, options: ConnectOptions) {
    super();
    this.#transport = transport;
    const { readOnly = false, keepalive = defaultKeepalive, reconnect = defaultReconnect } = options;
    this.#openSession = (handlers, pings, signal) =>
      openSession({ name, transport, readOnly, keepalive: pings, signal, handlers });
    this.#keeper = new SessionKeeper((handlers, signal) => this.#openSession(handlers, keepalive, signal), reconnect, {
      onEvent: (wire) => {
        const found = toEvent(wire, this);
        if (found) this.#subscriptions.deliver(found.kind, found.event);
      },
      prepare: (session) => this.#subscriptions.renew(session),
      onDisconnected: (error) => this.emit('disconnected', { error, atNs: process.hrtime.bigint() }),
      onReopened: (downMs) => this.emit('reopened', { downMs }),
      onGivenUp: (error) => {
        void this.#transport.close?.();
        this.emit('closed', { error });
      },
    });
  }

  /** False while the connection is lost, and after it is closed. */
  get connected(): boolean {
    return this.#keeper.current !== undefined;
  }

  /** Use `connect()`. */
  async open(signal?: AbortSignal): Promise<void> {
    await this.#keeper.open(signal);
  }

  /** Makes any call of the protocol description; the methods below use this. */
  async call<Args, Ret>(spec: CallSpec<Args, Ret>, args: Args, options: CallOptions = {}): Promise<Ret> {
    try {
      return await this.#keeper.require().call(spec, args, options);
    } catch (error) {
      // An error made at the reply shows the socket in its stack; one made here shows the caller.
      if (error instanceof LibvirtError) Error.captureStackTrace(error);
      throw error;
    }
  }

  /** True where `connectTcp` has a way: not by TLS. */
  get canConnectTcp(): boolean {
    return this.#transport.connectTcp !== undefined;
  }

  /**
   * Opens a TCP connection from the daemon's host, by SSH through the connection that there is.
   *
   * Errors: LibvirtConnectionError `connect-failed`; by SSH the stream fails with it.
   */
  async connectTcp(to: TcpAddress, signal?: AbortSignal): Promise<Duplex> {
    this.#keeper.require();
    if (this.#transport.connectTcp === undefined) {
      throw explainTcp(to, this.#transport.description, new Error('its connection carries no others'));
    }
    return await this.#transport.connectTcp(to, signal);
  }

  /** Opens a stream with a stream call, on a separate connection. */
  async openStream<Args>(spec: CallSpec<Args, void>, args: Args, options: CallOptions = {}): Promise<LibvirtStream> {
    this.#keeper.require();
    // A paused stream reads no pings, so the server must not send any.
    const deaf = { onEvent: () => undefined, onClosed: () => undefined };
    const session = await this.#openSession(deaf, false, options.signal);
    const stream = await LibvirtStream.open(session, spec, args, options);
    if (this.#keeper.stopped) stream.destroy();
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  /** Calls `listener` for each event of that kind; events count from the moment the promise resolves. */
  async subscribe<K extends EventKind>(
    kind: K,
    listener: (event: EventMap[K]) => void,
    options: { domain?: Pick<Domain, 'uuid'> } = {},
  ): Promise<Subscription> {
    const { domain } = options;
    const filtered = (event: EventMap[K]) => {
      if (domain === undefined || event.domain.uuid === domain.uuid) listener(event);
    };
    await this.#subscriptions.add(kind, filtered, this.#keeper.require());
    const close = () => this.#subscriptions.remove(kind, filtered, this.#keeper.current);
    return { close, [Symbol.asyncDispose]: close };
  }

  /** libvirt's own version. */
  async libVersion(options?: CallOptions): Promise<Version> {
    return toVersion((await this.call(protocol.connectGetLibVersion, undefined, options)).version);
  }

  /** The hypervisor's version: QEMU's, for qemu URIs. */
  async hypervisorVersion(options?: CallOptions): Promise<Version> {
    return toVersion((await this.call(protocol.connectGetVersion, undefined, options)).version);
  }

  async hostname(options?: CallOptions): Promise<string> {
    return (await this.call(protocol.connectGetHostname, undefined, options)).hostname;
  }

  /** The URI as the daemon sees it. */
  async uri(options?: CallOptions): Promise<string> {
    return (await this.call(protocol.connectGetUri, undefined, options)).uri;
  }

  /** The host's capabilities, as libvirt's XML. */
  async capabilities(options?: CallOptions): Promise<string> {
    return (await this.call(protocol.connectGetCapabilities, undefined, options)).xml;
  }

  /** The capabilities of a domain of that kind, as libvirt's XML. */
  async domainCapabilities(
    options: CallOptions & { emulator?: string; arch?: string; machine?: string; virtType?: string } = {},
  ): Promise<string> {
    const { emulator = null, arch = null, machine = null, virtType = null } = options;
    const args = { emulator, arch, machine, virtType, flags: 0 };
    return (await this.call(protocol.connectGetDomainCapabilities, args, options)).xml;
  }

  /** The host's processors and memory. Units: KiB, MHz. */
  async nodeInfo(options?: CallOptions): Promise<NodeInfo> {
    const { model, ...info } = await this.call(protocol.nodeGetInfo, undefined, options);
    const end = model.indexOf(0);
    return { model: String.fromCharCode(...model.slice(0, end < 0 ? undefined : end)), ...info };
  }

  /** Creates and starts a transient domain: libvirt removes it once it stops. */
  async createDomainXml(xml: string, options: StartOptions = {}): Promise<Domain> {
    const { dom } = await this.call(protocol.domainCreateXml, { xml, flags: startFlags(options) }, options);
    return new Domain(this, dom);
  }

  /** Starts the domain that `Domain.save` wrote into a file of the daemon's host, with its processors stopped. */
  async restoreDomain(path: string, options: CallOptions = {}): Promise<void> {
    await this.call(protocol.domainRestoreFlags, { from: path, xml: null, flags: savePaused }, options);
  }

  /** Stores a domain's configuration without starting it; `create()` on the handle starts it. */
  async defineDomainXml(xml: string, options: CallOptions & { validate?: boolean } = {}): Promise<Domain> {
    const { dom } = await this.call(protocol.domainDefineXmlFlags, { xml, flags: options.validate ? 1 : 0 }, options);
    return new Domain(this, dom);
  }

  /** All domains; each option that is true narrows the list, as libvirt's flags do. */
  async listDomains(options: ListOptions = {}): Promise<Domain[]> {
    let flags = 0;
    for (const key of listKeys)
      if (options[key]) flags |= protocol.ListFlag[key.toUpperCase() as Uppercase<typeof key>];
    const { domains } = await this.call(protocol.connectListAllDomains, { needResults: 1, flags }, options);
    return domains.map((dom) => new Domain(this, dom));
  }

  /** A storage pool that is active or defined. Errors: LibvirtError, for which `isNotFound` is true where there is none. */
  async lookupPoolByName(name: string, options?: CallOptions): Promise<StoragePool> {
    return new StoragePool(this, (await this.call(protocol.storagePoolLookupByName, { name }, options)).pool);
  }

  /** Creates and starts a transient pool; `build` creates its folder. */
  async createPoolXml(xml: string, options: CallOptions & { build?: boolean } = {}): Promise<StoragePool> {
    const flags = options.build ? protocol.PoolCreateFlag.WITH_BUILD : 0;
    return new StoragePool(this, (await this.call(protocol.storagePoolCreateXml, { xml, flags }, options)).pool);
  }

  async lookupByName(name: string, options?: CallOptions): Promise<Domain> {
    return new Domain(this, (await this.call(protocol.domainLookupByName, { name }, options)).dom);
  }

  async lookupByUuid(uuid: string, options?: CallOptions): Promise<Domain> {
    return new Domain(this, (await this.call(protocol.domainLookupByUuid, { uuid }, options)).dom);
  }

  async lookupById(id: number, options?: CallOptions): Promise<Domain> {
    return new Domain(this, (await this.call(protocol.domainLookupById, { id }, options)).dom);
  }

  /** The statistics of all domains in one round trip. */
  async getAllDomainStats(options: StatsOptions = {}): Promise<DomainStats[]> {
    const timing = options.timing ?? {};
    const doms = (options.domains ?? []).map(({ name, uuid, id }) => ({ name, uuid, id }));
    const args = { doms, ...statsFlags(options) };
    const { records } = await this.call(protocol.connectGetAllDomainStats, args, { ...options, timing });
    const receivedAtNs = timing.receivedAtNs ?? 0n;
    return records.map(({ dom, params }) => ({ domain: new Domain(this, dom), params, receivedAtNs }));
  }

  /** Ends the connection and its streams. Domains created with `autodestroy` end with it. */
  async close(): Promise<void> {
    if (this.#keeper.stopped) return;
    const closed = new LibvirtConnectionError('closed', 'the connection was closed');
    const session = this.#keeper.stop(closed);
    for (const stream of this.#streams) stream.destroy();
    if (session && !session.ended) {
      try {
        await session.call(protocol.connectClose, undefined, { timeoutMs: closeTimeoutMs });
      } catch {
        // Closing the connection is a courtesy to the daemon; the socket's end means the same.
      }
      session.destroy(closed);
    }
    await this.#transport.close?.();
    this.emit('closed', { error: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The filter of `listDomains`. */
export interface ListOptions extends CallOptions {
  active?: boolean;
  inactive?: boolean;
  persistent?: boolean;
  transient?: boolean;
  running?: boolean;
  paused?: boolean;
  shutoff?: boolean;
}

/** The host's processors and memory. Units: KiB, MHz. */
export interface NodeInfo {
  model: string;
  memoryKib: number;
  cpus: number;
  mhz: number;
  nodes: number;
  sockets: number;
  cores: number;
  threads: number;
}

const listKeys = ['active', 'inactive', 'persistent', 'transient', 'running', 'paused', 'shutoff'] as const;
const closeTimeoutMs = 2_000;
/** Source: VIR_DOMAIN_SAVE_PAUSED of virDomainSaveRestoreFlags. */
const savePaused = 4;

function toVersion(packed: number): Version {
  return {
    major: Math.floor(packed / 1_000_000),
    minor: Math.floor(packed / 1_000) % 1_000,
    release: packed % 1_000,
  };
}

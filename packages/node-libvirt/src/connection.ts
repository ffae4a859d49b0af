import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOptions } from './call-options.ts';
import { Domain, type StartOptions, startFlags } from './domain.ts';
import { LibvirtConnectionError, LibvirtError } from './errors.ts';
import { type EventKind, type EventMap, toEvent } from './events.ts';
import type { KeepaliveOptions } from './keepalive.ts';
import { openSession } from './open-session.ts';
import * as protocol from './protocol.gen.ts';
import type { CallSpec } from './protocol-types.ts';
import type { Session, SessionHandlers } from './session.ts';
import { type DomainStats, type StatsOptions, statsFlags } from './stats.ts';
import { LibvirtStream } from './stream.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Transport } from './transport.ts';
import { resolveUri } from './uri.ts';

/** How long to keep trying after the connection is lost. The wait doubles from `firstDelayMs` to `maxDelayMs`. */
export interface ReconnectOptions {
  firstDelayMs: number;
  maxDelayMs: number;
  attempts: number;
}

/** Where to connect, and how the connection behaves. */
export interface ConnectOptions {
  /** As in `qemu:///system`, `qemu:///session` or `qemu+unix:///system?socket=/path`. */
  uri: string;
  /** Goes another way than the URI's unix socket. */
  transport?: Transport;
  readOnly?: boolean;
  /** Pings of our own to a silent server: every 5 s, 5 times. `false` sends none and asks for none. */
  keepalive?: KeepaliveOptions | false;
  /** What to do when the connection is lost: about a minute of attempts. `false` gives up at once. */
  reconnect?: ReconnectOptions | false;
  /** Gives up connecting. It has no effect once connected. */
  signal?: AbortSignal;
}

/** What a Connection emits about itself. */
export interface ConnectionEvents {
  /** The connection is lost; calls fail until 'reopened'. */
  disconnected: [{ error: LibvirtConnectionError; atNs: bigint }];
  /** It is back, with all subscriptions. Domains and events may have come and gone meanwhile. */
  reopened: [{ downMs: number }];
  /** It is over: by `close()` (no error), or because reopening failed or is off. */
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
  const target = resolveUri(options.uri);
  const connection = new Connection(target.name, options.transport ?? target.transport, options);
  await connection.open(options.signal);
  return connection;
}

/** A connection to a libvirt daemon. It reopens by itself when the daemon restarts. */
export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #name: string;
  readonly #transport: Transport;
  readonly #options: ConnectOptions;
  readonly #subscriptions = new Subscriptions();
  readonly #streams = new Set<LibvirtStream>();
  readonly #stopping = new AbortController();
  #session: Session | undefined;
  #down: LibvirtConnectionError | undefined;

  /** Use `connect()`. */
  constructor(name: string, transport: Transport, options: ConnectOptions) {
    super();
    this.#name = name;
    this.#transport = transport;
    this.#options = options;
  }

  /** False while the connection is lost, and after it is closed. */
  get connected(): boolean {
    return this.#session !== undefined;
  }

  /** Use `connect()`. */
  async open(signal?: AbortSignal): Promise<void> {
    const session = await this.#openSession(signal);
    try {
      await this.#subscriptions.renew(session);
      if (session.ended) throw session.ended;
      this.#stopping.signal.throwIfAborted();
    } catch (error) {
      session.destroy(new LibvirtConnectionError('closed', 'opening the connection failed', { cause: error }));
      throw error;
    }
    this.#session = session;
    this.#down = undefined;
  }

  #openSession(signal: AbortSignal | undefined): Promise<Session> {
    let session: Session | undefined;
    const handlers: SessionHandlers = {
      onEvent: (wire) => {
        const found = toEvent(wire, this);
        if (found) this.#subscriptions.deliver(found.kind, found.event);
      },
      onClosed: (error) => {
        if (session !== undefined && session === this.#session) this.#onLost(error);
      },
    };
    const opening = openSession({
      name: this.#name,
      transport: this.#transport,
      readOnly: this.#options.readOnly ?? false,
      keepalive: this.#options.keepalive ?? defaultKeepalive,
      signal,
      handlers,
    });
    return opening.then((opened) => {
      session = opened;
      return opened;
    });
  }

  #onLost(error: LibvirtConnectionError): void {
    this.#session = undefined;
    this.#down = error;
    if (this.#stopping.signal.aborted) return;
    const lostAtMs = performance.now();
    this.emit('disconnected', { error, atNs: process.hrtime.bigint() });
    const reconnect = this.#options.reconnect ?? defaultReconnect;
    // A server that does not speak the protocol will not have learnt it in a second.
    if (reconnect === false || error.reason === 'protocol') this.#giveUp(error);
    else void this.#reopen(reconnect, lostAtMs, error);
  }

  async #reopen(reconnect: ReconnectOptions, lostAtMs: number, lost: LibvirtConnectionError): Promise<void> {
    const { signal } = this.#stopping;
    let last: unknown = lost;
    for (let attempt = 0; attempt < reconnect.attempts; attempt++) {
      const delayMs = Math.min(reconnect.firstDelayMs * 2 ** attempt, reconnect.maxDelayMs);
      try {
        await sleep(delayMs, undefined, { signal });
        await this.open(signal);
        this.emit('reopened', { downMs: performance.now() - lostAtMs });
        return;
      } catch (error) {
        if (signal.aborted) return;
        last = error;
      }
    }
    const why = last instanceof Error ? last.message : String(last);
    this.#giveUp(
      new LibvirtConnectionError(
        'disconnected',
        `the connection was lost and ${reconnect.attempts} attempts to reopen it failed: ${why}`,
        {
          socketPath: this.#transport.description,
          cause: last,
        },
      ),
    );
  }

  #giveUp(error: LibvirtConnectionError): void {
    this.#down = error;
    this.#stopping.abort();
    this.emit('closed', { error });
  }

  #requireSession(): Session {
    if (this.#session) return this.#session;
    if (this.#down?.reason === 'closed') throw this.#down;
    throw new LibvirtConnectionError('disconnected', 'there is no connection to the libvirt daemon', {
      cause: this.#down,
    });
  }

  /** Makes any call of the protocol description; the methods below are made of this. */
  async call<Args, Ret>(spec: CallSpec<Args, Ret>, args: Args, options: CallOptions = {}): Promise<Ret> {
    try {
      return await this.#requireSession().call(spec, args, options);
    } catch (error) {
      // Made when the reply came, the error's stack shows the socket; here it shows who called.
      if (error instanceof LibvirtError) Error.captureStackTrace(error);
      throw error;
    }
  }

  /** Opens a stream with a call that opens one, on a connection of the stream's own. */
  async openStream<Args>(spec: CallSpec<Args, void>, args: Args, options: CallOptions = {}): Promise<LibvirtStream> {
    this.#requireSession();
    const session = await openSession({
      name: this.#name,
      transport: this.#transport,
      readOnly: this.#options.readOnly ?? false,
      // A paused stream reads no pings, so the server must not send any.
      keepalive: false,
      signal: options.signal,
      handlers: { onEvent: () => undefined, onClosed: () => undefined },
    });
    const stream = await LibvirtStream.open(session, spec, args, options);
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
    await this.#subscriptions.add(kind, filtered, this.#requireSession());
    const close = () => this.#subscriptions.remove(kind, filtered, this.#session);
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

  /** What the host can run, as libvirt's XML. */
  async capabilities(options?: CallOptions): Promise<string> {
    return (await this.call(protocol.connectGetCapabilities, undefined, options)).xml;
  }

  /** What a domain of that kind can have, as libvirt's XML. */
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

  /** Creates and starts a transient domain: it is gone once it stops. */
  async createDomainXml(xml: string, options: StartOptions = {}): Promise<Domain> {
    const { dom } = await this.call(protocol.domainCreateXml, { xml, flags: startFlags(options) }, options);
    return new Domain(this, dom);
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

  async lookupByName(name: string, options?: CallOptions): Promise<Domain> {
    return new Domain(this, (await this.call(protocol.domainLookupByName, { name }, options)).dom);
  }

  async lookupByUuid(uuid: string, options?: CallOptions): Promise<Domain> {
    return new Domain(this, (await this.call(protocol.domainLookupByUuid, { uuid }, options)).dom);
  }

  async lookupById(id: number, options?: CallOptions): Promise<Domain> {
    return new Domain(this, (await this.call(protocol.domainLookupById, { id }, options)).dom);
  }

  /** The numbers of all domains in one round trip. */
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
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const closed = new LibvirtConnectionError('closed', 'the connection was closed');
    this.#down = closed;
    for (const stream of this.#streams) stream.destroy();
    const session = this.#session;
    this.#session = undefined;
    if (session && !session.ended) {
      try {
        await session.call(protocol.connectClose, undefined, { timeoutMs: closeTimeoutMs });
      } catch {
        // The daemon is told as a courtesy; the socket's end says the same.
      }
      session.destroy(closed);
    }
    this.emit('closed', { error: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Which domains `listDomains` gives. */
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

function toVersion(packed: number): Version {
  return {
    major: Math.floor(packed / 1_000_000),
    minor: Math.floor(packed / 1_000) % 1_000,
    release: packed % 1_000,
  };
}

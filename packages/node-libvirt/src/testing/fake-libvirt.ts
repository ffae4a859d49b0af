import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as protocol from '../protocol.gen.ts';
import { type AnyCall, ClientLink } from './client-link.ts';
import { type CallHandlers, callHandlers } from './fake-calls.ts';
import { FakeDomain } from './fake-domain.ts';
import { FaultList, type FaultRule } from './faults.ts';

/** The initial state of a fake server. */
export interface FakeOptions {
  /** The socket's path, in place of one in a temporary folder. */
  socketPath?: string;
  /** The answer to AUTH_LIST; an empty list lets every client in. */
  authTypes?: readonly number[];
  /** Called when a guest's processors first run: a test scripts the guest's output and answers here. */
  onGuestStart?: (domain: FakeDomain) => void;
}

/** A libvirt server for tests: the same protocol on a unix socket, with domains that are only objects. */
export class FakeLibvirt {
  readonly socketPath: string;
  readonly domains = new Map<string, FakeDomain>();
  /** The XML of saved domains, by file. */
  readonly saved = new Map<string, string>();
  /** The names of all calls so far, in the order in which they arrived. */
  readonly calls: string[] = [];
  authTypes: readonly number[];
  onGuestStart: (domain: FakeDomain) => void;
  readonly #folder: string | undefined;
  readonly #faults = new FaultList();
  readonly #links = new Set<ClientLink>();
  readonly #started = new WeakSet<FakeDomain>();
  readonly #overrides = new Map<string, (args: never) => unknown>();
  #server: Server | undefined;
  #nextId = 1;

  private constructor(socketPath: string, folder: string | undefined, options: FakeOptions) {
    this.socketPath = socketPath;
    this.#folder = folder;
    this.authTypes = options.authTypes ?? [];
    this.onGuestStart = options.onGuestStart ?? (() => undefined);
  }

  /** Starts a server; `uri` is its address. */
  static async start(options: FakeOptions = {}): Promise<FakeLibvirt> {
    const folder = options.socketPath === undefined ? await mkdtemp(join(tmpdir(), 'fake-libvirt-')) : undefined;
    const fake = new FakeLibvirt(options.socketPath ?? join(folder ?? '', 'sock'), folder, options);
    await fake.listen();
    return fake;
  }

  get uri(): string {
    return `qemu+unix:///system?socket=${this.socketPath}`;
  }

  get clients(): number {
    return this.#links.size;
  }

  /** Listens again after `stopListening`. */
  async listen(): Promise<void> {
    const server = createServer((socket) => {
      const link: ClientLink = new ClientLink(socket, {
        answer: (from, call, args) => this.#answer(from, call, args),
        takeFault: (call) => {
          this.calls.push(call);
          return this.#faults.take(call);
        },
        closed: () => this.#forget(link),
      });
      this.#links.add(link);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.socketPath, resolve);
    });
  }

  /** Refuses new clients and disconnects the present ones, like a daemon that dies. Domains stay. */
  async stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    this.dropConnections();
    await closed;
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    await this.stopListening();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Disconnects every client; they may reconnect. */
  dropConnections(): void {
    for (const link of this.#links) link.socket.destroy();
  }

  /** Makes calls fail from now on. */
  inject(rule: FaultRule): void {
    this.#faults.add(rule);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Answers one procedure in the test's own way, as in `handle('connectGetLibVersion', () => ({ version: 1 }))`. */
  handle(call: string, answer: (args: never) => unknown): void {
    this.#overrides.set(call, answer);
  }

  /** Sends raw bytes to every client: for data that a correct server never sends. */
  sendRaw(bytes: Uint8Array): void {
    for (const link of this.#links) link.socket.write(bytes);
  }

  /** Adds a domain; a persistent one is defined, a transient one runs. */
  addDomain(options: { name?: string; xml?: string; persistent?: boolean; paused?: boolean } = {}): FakeDomain {
    const persistent = options.persistent ?? false;
    const domain = new FakeDomain(options.xml ?? `<domain><name>${options.name ?? 'fake'}</name></domain>`, persistent);
    this.domains.set(domain.uuid, domain);
    if (!persistent) this.startDomain(domain, options.paused ?? false);
    return domain;
  }

  /** Starts a domain, with the events that libvirt sends for it. */
  startDomain(domain: FakeDomain, paused: boolean): void {
    domain.id = this.#nextId++;
    domain.setRunning();
    this.emitLifecycle(domain, protocol.LifecycleEvent.STARTED, protocol.StartedDetail.BOOTED);
    if (paused) {
      domain.setPaused();
      this.emitLifecycle(domain, protocol.LifecycleEvent.SUSPENDED, protocol.SuspendedDetail.PAUSED);
    } else {
      this.#runGuest(domain);
    }
  }

  /** Lets a paused domain run. */
  resumeDomain(domain: FakeDomain): void {
    domain.setRunning(protocol.RunningReason.UNPAUSED);
    this.emitLifecycle(domain, protocol.LifecycleEvent.RESUMED, protocol.ResumedDetail.UNPAUSED);
    this.#runGuest(domain);
  }

  /** Stops a domain: `destroyed` unless another state is given. A transient one is then removed. */
  stopDomain(domain: FakeDomain, how: 'destroyed' | 'shutdown' | 'crashed' | 'failed' = 'destroyed'): void {
    if (!domain.active) return;
    const key = how.toUpperCase() as Uppercase<typeof how>;
    domain.setShutoff(protocol.ShutoffReason[key]);
    if (!domain.persistent) this.domains.delete(domain.uuid);
    this.emitLifecycle(domain, protocol.LifecycleEvent.STOPPED, protocol.StoppedDetail[key]);
  }

  /** Sends a lifecycle event to all registered clients. */
  emitLifecycle(domain: FakeDomain, event: number, detail: number): void {
    const dom = { name: domain.name, uuid: domain.uuid, id: domain.id };
    for (const link of this.#links) {
      for (const [callbackId, kind] of link.callbacks) {
        if (kind !== protocol.EventId.LIFECYCLE) continue;
        link.sendEvent(protocol.domainLifecycleEvent, { callbackId, dom, event, detail });
      }
    }
  }

  #runGuest(domain: FakeDomain): void {
    if (this.#started.has(domain)) return;
    this.#started.add(domain);
    this.onGuestStart(domain);
  }

  #answer(link: ClientLink, call: AnyCall, args: unknown): unknown {
    const override = this.#overrides.get(call.name);
    if (override) return override(args as never);
    const handler = callHandlers[call.name as keyof CallHandlers] as (
      fake: FakeLibvirt,
      link: ClientLink,
      args: unknown,
    ) => unknown;
    return handler(this, link, args);
  }

  #forget(link: ClientLink): void {
    this.#links.delete(link);
    for (const uuid of link.autodestroy) {
      const domain = this.domains.get(uuid);
      if (domain) this.stopDomain(domain);
    }
  }
}

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { DomainState, PausedReason, RunningReason, ShutoffReason } from '../protocol.gen.ts';
import type { Params } from '../typed-params.ts';

/** The client's end of a port, as the server sees it. */
export interface PortClient {
  /** Sends bytes; false when the socket is full. */
  data(bytes: Uint8Array): boolean;
  end(): void;
  fail(code: number, message: string): void;
  drained(): Promise<unknown>;
}

/**
 * A console or channel of a fake domain, from the guest's side.
 *
 * Bytes written before a client attaches are kept for it. 'data' carries the clients' bytes.
 */
export class FakePort extends EventEmitter<{ data: [Buffer]; attached: []; detached: [] }> {
  #client: PortClient | undefined;
  #backlog: Uint8Array[] = [];
  #ended = false;

  get attached(): boolean {
    return this.#client !== undefined;
  }

  /** Sends bytes to the client; resolves when the socket has room for more. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    // An empty message would mean the end.
    if (bytes.length === 0) return;
    if (!this.#client) this.#backlog.push(bytes);
    else if (!this.#client.data(bytes)) await this.#client.drained();
  }

  /** Ends the stream, as at the end of the guest. */
  end(): void {
    this.#ended = true;
    this.#client?.end();
  }

  /** Ends the stream with an error. */
  fail(code: number, message: string): void {
    this.#client?.fail(code, message);
    this.#client = undefined;
  }

  /** Connects a client; the result disconnects it. */
  attach(client: PortClient): () => void {
    this.#client = client;
    for (const bytes of this.#backlog.splice(0)) client.data(bytes);
    if (this.#ended) client.end();
    this.emit('attached');
    return () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.emit('detached');
    };
  }

  /** Hands bytes from the client to the guest. */
  receive(data: Buffer): void {
    this.emit('data', data);
  }
}

/** A domain of the fake server: its libvirt side, and its guest's ports. */
export class FakeDomain {
  autostart = false;
  readonly name: string;
  readonly uuid: string;
  readonly xml: string;
  readonly persistent: boolean;
  id = -1;
  state: number = DomainState.SHUTOFF;
  reason: number = ShutoffReason.UNKNOWN;
  /** Additional or replaced statistics, by libvirt's names. */
  stats: Params = {};
  readonly metadata = new Map<string, string>();
  readonly console = new FakePort();
  readonly #channels = new Map<string, FakePort>();

  constructor(xml: string, persistent: boolean) {
    this.xml = xml;
    this.persistent = persistent;
    this.name = /<name>([^<]+)<\/name>/.exec(xml)?.[1] ?? '';
    this.uuid = /<uuid>([^<]+)<\/uuid>/.exec(xml)?.[1] ?? randomUUID();
  }

  get active(): boolean {
    return this.id >= 0;
  }

  /** The channel of that target name. */
  channel(name: string): FakePort {
    const port = this.#channels.get(name) ?? new FakePort();
    this.#channels.set(name, port);
    return port;
  }

  setRunning(reason: number = RunningReason.BOOTED): void {
    this.state = DomainState.RUNNING;
    this.reason = reason;
  }

  setPaused(reason: number = PausedReason.USER): void {
    this.state = DomainState.PAUSED;
    this.reason = reason;
  }

  setShutoff(reason: number): void {
    this.id = -1;
    this.state = DomainState.SHUTOFF;
    this.reason = reason;
    this.console.end();
    for (const port of this.#channels.values()) port.end();
  }
}

/**
 * `MessageChannel`, `MessagePort` and `BroadcastChannel`, within the one function. The events come from
 * install-dom-events.ts.
 */
import type * as Events from './dom-events.ts';

type Globals = typeof Events & { readonly [key: symbol]: Pick<typeof Events, 'addHandlerProperty'> };
const { EventTarget, MessageEvent } = globalThis as unknown as Globals;
const { addHandlerProperty } = (globalThis as unknown as Globals)[Symbol.for('firstlight.events')] as Pick<
  typeof Events,
  'addHandlerProperty'
>;

type NodeListener = (message: unknown) => void;

class MessagePort extends EventTarget {
  #other: MessagePort | null = null;
  #isStarted = false;
  #waiting: Events.MessageEvent[] = [];
  /** The listeners of Node's kind, and what listens for each. */
  readonly #listeners = new Map<NodeListener, (event: Events.Event) => void>();

  static join(one: MessagePort, two: MessagePort): void {
    one.#other = two;
    two.#other = one;
  }
  postMessage(data: unknown, options?: { transfer?: unknown[] } | unknown[]): void {
    const transfer = Array.isArray(options) ? options : (options?.transfer ?? []);
    const ports = transfer.filter((item) => item instanceof MessagePort);
    const copy = structuredClone(data, { transfer: transfer as ArrayBuffer[] });
    const to = this.#other;
    if (to !== null) to.#receive(new MessageEvent('message', { data: copy, ports }));
  }
  #receive(event: Events.MessageEvent): void {
    if (!this.#isStarted) this.#waiting.push(event);
    else setImmediate(() => this.dispatchEvent(event));
  }
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (const event of this.#waiting.splice(0)) this.#receive(event);
  }
  close(): void {
    if (this.#other !== null) this.#other.#other = null;
    this.#other = null;
  }
  // As Node's ports do.
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  on(type: string, listener: NodeListener): this {
    return this.#listen(type, listener, false);
  }
  once(type: string, listener: NodeListener): this {
    return this.#listen(type, listener, true);
  }
  off(type: string, listener: NodeListener): this {
    const own = this.#listeners.get(listener);
    if (own !== undefined) this.removeEventListener(type, own);
    return this;
  }
  addListener(type: string, listener: NodeListener): this {
    return this.on(type, listener);
  }
  removeListener(type: string, listener: NodeListener): this {
    return this.off(type, listener);
  }
  /** As in Node.js, a listener gets the message itself. */
  #listen(type: string, listener: NodeListener, once: boolean): this {
    const own = this.#listeners.get(listener) ?? ((event) => listener((event as Events.MessageEvent).data));
    this.#listeners.set(listener, own);
    this.addEventListener(type, own, { once });
    if (type === 'message') this.start();
    return this;
  }
  [Symbol.for('firstlight.clone')](): MessagePort {
    return this;
  }
}
const start = (port: unknown) => (port as MessagePort).start();
addHandlerProperty(MessagePort, 'message', start);
addHandlerProperty(MessagePort, 'messageerror');

class MessageChannel {
  readonly port1 = new MessagePort();
  readonly port2 = new MessagePort();
  constructor() {
    MessagePort.join(this.port1, this.port2);
  }
}

const channels = new Map<string, Set<BroadcastChannel>>();
class BroadcastChannel extends EventTarget {
  readonly name: string;
  #isClosed = false;
  constructor(...names: readonly unknown[]) {
    super();
    if (names.length === 0) throw new TypeError('A BroadcastChannel needs a name.');
    this.name = String(names[0]);
    const all = channels.get(this.name) ?? new Set();
    channels.set(this.name, all.add(this));
  }
  postMessage(...given: readonly unknown[]): void {
    if (given.length === 0) throw new TypeError('postMessage needs a message.');
    if (this.#isClosed) throw new DOMException('The channel is closed.', 'InvalidStateError');
    for (const other of channels.get(this.name) ?? []) {
      if (other === this) continue;
      const event = new MessageEvent('message', { data: structuredClone(given[0]) });
      setImmediate(() => {
        if (!other.#isClosed) other.dispatchEvent(event);
      });
    }
  }
  close(): void {
    this.#isClosed = true;
    channels.get(this.name)?.delete(this);
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
addHandlerProperty(BroadcastChannel, 'message');
addHandlerProperty(BroadcastChannel, 'messageerror');

Object.assign(globalThis, { MessageChannel, MessagePort, BroadcastChannel });

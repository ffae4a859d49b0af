/** `Event`, `CustomEvent`, `EventTarget`, `AbortController` and `AbortSignal` by the DOM standard, without a tree of nodes to travel through. */
import { optionsOf } from './options-of.ts';

/** The events that are ours and not the function's: an abort. */
const trusted = new WeakSet<Event>();
/** One getter for all events, as the standard has it. */
const trustedProperty: PropertyDescriptor & ThisType<Event> = {
  get() {
    return trusted.has(this);
  },
  enumerable: true,
};

const phases = { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 } as const;

export class Event {
  type: string;
  bubbles: boolean;
  cancelable: boolean;
  readonly composed: boolean;
  readonly timeStamp = performance.now();
  declare readonly isTrusted: boolean;
  target: EventTarget | null = null;
  currentTarget: EventTarget | null = null;
  #isPrevented = false;
  /** There is no parent to propagate to: it is only remembered. */
  #isPropagationStopped = false;
  /** Set by `dispatchEvent` and its listeners. */
  isStopped = false;
  isPassive = false;

  constructor(type: string, given?: { bubbles?: boolean; cancelable?: boolean; composed?: boolean } | null) {
    // biome-ignore lint/complexity/noArguments: undefined is a type, and none is an error.
    if (arguments.length === 0) throw new TypeError('An Event needs a type.');
    const init = optionsOf(given);
    this.type = String(type);
    this.bubbles = Boolean(init.bubbles);
    this.cancelable = Boolean(init.cancelable);
    this.composed = Boolean(init.composed);
    Object.defineProperty(this, 'isTrusted', trustedProperty);
    for (const key of ['isStopped', 'isPassive']) Object.defineProperty(this, key, { enumerable: false });
  }
  get eventPhase(): number {
    return this.currentTarget === null ? phases.NONE : phases.AT_TARGET;
  }
  get returnValue(): boolean {
    return !this.#isPrevented;
  }
  set returnValue(value: boolean) {
    if (!value) this.preventDefault();
  }
  get cancelBubble(): boolean {
    return this.#isPropagationStopped;
  }
  set cancelBubble(value: boolean) {
    if (value) this.stopPropagation();
  }
  initEvent(type: string, bubbles = false, cancelable = false): void {
    if (this.currentTarget !== null) return;
    this.type = String(type);
    this.bubbles = Boolean(bubbles);
    this.cancelable = Boolean(cancelable);
    this.#isPrevented = false;
    this.#isPropagationStopped = false;
    this.isStopped = false;
  }
  get defaultPrevented(): boolean {
    return this.#isPrevented;
  }
  get srcElement(): EventTarget | null {
    return this.target;
  }
  preventDefault(): void {
    if (this.cancelable && !this.isPassive) this.#isPrevented = true;
  }
  stopPropagation(): void {
    this.#isPropagationStopped = true;
  }
  stopImmediatePropagation(): void {
    this.#isPropagationStopped = true;
    this.isStopped = true;
  }
  composedPath(): EventTarget[] {
    return this.currentTarget === null ? [] : [this.currentTarget];
  }
  get [Symbol.toStringTag](): string {
    return 'Event';
  }
}

for (const of of [Event, Event.prototype]) {
  for (const [name, value] of Object.entries(phases)) Object.defineProperty(of, name, { value, enumerable: true });
}

export class CustomEvent extends Event {
  readonly detail: unknown;
  constructor(type: string, init: { detail?: unknown; bubbles?: boolean; cancelable?: boolean } = {}) {
    super(type, init);
    this.detail = init.detail ?? null;
  }
  override get [Symbol.toStringTag](): string {
    return 'CustomEvent';
  }
}

interface MessageInit {
  readonly data?: unknown;
  readonly origin?: string;
  readonly lastEventId?: string;
  readonly source?: unknown;
  readonly ports?: readonly unknown[];
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
}

export class MessageEvent extends Event {
  readonly data: unknown;
  readonly origin: string;
  readonly lastEventId: string;
  readonly source: unknown;
  readonly ports: readonly unknown[];
  constructor(type: string, init: MessageInit = {}) {
    super(type, init);
    this.data = init.data ?? null;
    this.origin = String(init.origin ?? '');
    this.lastEventId = String(init.lastEventId ?? '');
    this.source = init.source ?? null;
    this.ports = init.ports ?? [];
  }
  override get [Symbol.toStringTag](): string {
    return 'MessageEvent';
  }
}

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };
interface Options {
  readonly once?: boolean;
  readonly capture?: boolean;
  readonly passive?: boolean;
  readonly signal?: AbortSignal;
}
interface Entry {
  readonly type: string;
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
}

export class EventTarget {
  #entries: Entry[] = [];

  addEventListener(type: string, listener: Listener | null, options: Options | boolean = {}): void {
    const {
      once = false,
      passive = false,
      signal,
      capture = false,
    } = typeof options === 'boolean' ? { capture: options } : (options ?? {});
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('`signal` is an AbortSignal.');
    if (listener === null || listener === undefined || signal?.aborted) return;
    const same = (entry: Entry) =>
      entry.type === String(type) && entry.listener === listener && entry.capture === capture;
    if (this.#entries.some(same)) return;
    this.#entries.push({ type: String(type), listener, capture, once, passive });
    signal?.addEventListener('abort', () => this.removeEventListener(type, listener, { capture }), { once: true });
  }
  removeEventListener(type: string, listener: Listener | null, options: Options | boolean = {}): void {
    const capture = typeof options === 'boolean' ? options : Boolean(options?.capture);
    this.#entries = this.#entries.filter(
      (entry) => !(entry.type === String(type) && entry.listener === listener && entry.capture === capture),
    );
  }
  dispatchEvent(event: Event): boolean {
    if (!(event instanceof Event)) throw new TypeError('dispatchEvent needs an Event.');
    event.target = this;
    event.currentTarget = this;
    for (const entry of this.#entries.filter(({ type }) => type === event.type)) {
      if (!this.#entries.includes(entry)) continue;
      if (entry.once) this.#entries.splice(this.#entries.indexOf(entry), 1);
      event.isPassive = Boolean(entry.passive);
      try {
        if (typeof entry.listener === 'function') entry.listener.call(this, event);
        else entry.listener.handleEvent(event);
      } catch (thrown) {
        // As in browsers: a listener that throws is reported, and the others are called.
        console.error('Uncaught', thrown);
      }
      if (event.isStopped) break;
    }
    event.currentTarget = null;
    return !event.defaultPrevented;
  }
  get [Symbol.toStringTag](): string {
    return 'EventTarget';
  }
}

/** Gives a class an `on…` property that is a listener, in the place where it was first set. */
export function addHandlerProperty(
  kind: { readonly prototype: EventTarget },
  name: string,
  onSet?: (target: unknown) => void,
): void {
  const handlers = new WeakMap<object, unknown>();
  Object.defineProperty(kind.prototype, `on${name}`, {
    configurable: true,
    enumerable: true,
    get(this: EventTarget) {
      return handlers.get(this) ?? null;
    },
    set(this: EventTarget, handler: unknown) {
      if (!handlers.has(this)) {
        this.addEventListener(name, (event) => {
          const current = handlers.get(this);
          return typeof current === 'function' ? current.call(this, event) : undefined;
        });
      }
      handlers.set(this, typeof handler === 'function' ? handler : null);
      onSet?.(this);
    },
  });
}

const key = Symbol('AbortSignal');
const abort = Symbol('abort');

export class AbortSignal extends EventTarget {
  #isAborted = false;
  #reason: unknown = undefined;
  /** The signals that abort with this one, in the order in which they were made. */
  #dependents: AbortSignal[] = [];
  /** What a signal made by `any` depends on: signals that depend on none. */
  #sources: readonly AbortSignal[] = [];
  declare onabort: ((event: Event) => unknown) | null;

  constructor(by?: symbol) {
    super();
    if (by !== key) throw new TypeError('Illegal constructor');
  }
  static abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): AbortSignal {
    const signal = new AbortSignal(key);
    signal[abort](reason);
    return signal;
  }
  static timeout(ms: number): AbortSignal {
    const signal = new AbortSignal(key);
    setTimeout(() => signal[abort](new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms);
    return signal;
  }
  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const all = [...signals];
    const made = new AbortSignal(key);
    const first = all.find((signal) => signal.aborted);
    if (first !== undefined) made[abort](first.reason);
    else {
      // Of a signal that depends on others, those: all that abort together are called in the order of their making.
      made.#sources = [...new Set(all.flatMap((signal) => (signal.#sources.length > 0 ? signal.#sources : [signal])))];
      for (const source of made.#sources) source.#dependents.push(made);
    }
    return made;
  }
  get aborted(): boolean {
    return this.#isAborted;
  }
  get reason(): unknown {
    return this.#reason;
  }
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }
  [abort](reason: unknown): void {
    // All of them are aborted before the first listener is called.
    for (const signal of this.#abortAll(reason)) {
      const event = new Event('abort');
      trusted.add(event);
      signal.dispatchEvent(event);
    }
  }
  #abortAll(reason: unknown): AbortSignal[] {
    if (this.#isAborted) return [];
    this.#isAborted = true;
    this.#reason = reason;
    const dependents = this.#dependents.splice(0);
    return [this, ...dependents.flatMap((signal) => signal.#abortAll(reason))];
  }
  override get [Symbol.toStringTag](): string {
    return 'AbortSignal';
  }
}
addHandlerProperty(AbortSignal, 'abort');

export class AbortController {
  readonly signal = new AbortSignal(key);
  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    this.signal[abort](reason);
  }
  get [Symbol.toStringTag](): string {
    return 'AbortController';
  }
}

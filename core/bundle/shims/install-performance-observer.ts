/** `PerformanceObserver` over the marks and measures of the guest's `performance`, which globals.prelude.js keeps. */

import type { PerformanceEntry } from 'node:perf_hooks';

type Init = { entryTypes?: unknown; type?: unknown; buffered?: unknown } | null | undefined;
type Callback = (
  list: PerformanceObserverEntryList,
  observer: PerformanceObserver,
  told: { droppedEntriesCount: number },
) => void;

const made = Symbol('PerformanceObserverEntryList');
const supported = Object.freeze(['mark', 'measure']);

class PerformanceObserverEntryList {
  readonly #entries: readonly PerformanceEntry[];
  constructor(by: symbol, entries: readonly PerformanceEntry[]) {
    if (by !== made) throw new TypeError('Illegal constructor');
    this.#entries = [...entries].sort((a, b) => a.startTime - b.startTime);
  }
  getEntries(): PerformanceEntry[] {
    return [...this.#entries];
  }
  getEntriesByType(type: string): PerformanceEntry[] {
    return this.#entries.filter((entry) => entry.entryType === String(type));
  }
  getEntriesByName(name: string, type?: string): PerformanceEntry[] {
    const isOfType = (entry: PerformanceEntry) => type === undefined || entry.entryType === String(type);
    return this.#entries.filter((entry) => entry.name === String(name) && isOfType(entry));
  }
  get [Symbol.toStringTag](): string {
    return 'PerformanceObserverEntryList';
  }
}

const observers = new Set<PerformanceObserver>();
const receive = Symbol('receive');
const forget = Symbol('forget');

class PerformanceObserver {
  readonly #callback: Callback;
  /** The types that are observed: all given at once, or added one by one. */
  #types = new Set<string>();
  #mode: 'several' | 'single' | undefined;
  #waiting: PerformanceEntry[] = [];
  #isScheduled = false;

  static get supportedEntryTypes(): readonly string[] {
    return supported;
  }

  constructor(callback: Callback) {
    if (typeof callback !== 'function') throw new TypeError('A PerformanceObserver needs a function.');
    this.#callback = callback;
  }

  observe(given: Init): void {
    const { entryTypes, type, buffered } = given ?? {};
    if ((entryTypes === undefined) === (type === undefined))
      throw new TypeError('observe needs either `entryTypes` or `type`.');
    if (entryTypes !== undefined && (typeof entryTypes !== 'object' || entryTypes === null))
      throw new TypeError('`entryTypes` is a list.');
    if (entryTypes !== undefined && buffered !== undefined) throw new TypeError('`buffered` goes with `type` only.');
    const mode = type === undefined ? 'several' : 'single';
    if (this.#mode !== undefined && this.#mode !== mode)
      throw new DOMException('It observes by `entryTypes` or by `type`, not by both.', 'InvalidModificationError');
    const asked = type === undefined ? [...(entryTypes as Iterable<unknown>)] : [type];
    const types = asked.map(String).filter((name) => supported.includes(name));
    this.#mode = mode;
    // A browser ignores types that it does not know, and so a call with no other.
    if (types.length === 0) return;
    this.#types = new Set(mode === 'several' ? types : [...this.#types, ...types]);
    observers.add(this);
    if (buffered) for (const entry of performance.getEntriesByType(type as 'mark')) this[receive](entry);
  }

  disconnect(): void {
    observers.delete(this);
    this.#types.clear();
    this.#waiting = [];
    this.#mode = undefined;
  }

  takeRecords(): PerformanceEntry[] {
    return this.#waiting.splice(0);
  }

  [receive](entry: PerformanceEntry): void {
    if (!this.#types.has(entry.entryType)) return;
    this.#waiting.push(entry);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const entries = this.takeRecords();
      if (entries.length === 0) return;
      this.#callback.call(this, new PerformanceObserverEntryList(made, entries), this, { droppedEntriesCount: 0 });
    });
  }

  /** The task that would have told of these entries ended with its invocation. */
  [forget](): void {
    this.#waiting = [];
    this.#isScheduled = false;
  }

  get [Symbol.toStringTag](): string {
    return 'PerformanceObserver';
  }
}

const hooks = (
  globalThis as unknown as Record<symbol, { onEntry: (entry: PerformanceEntry) => void; onReset: () => void }>
)[Symbol.for('firstlight.performance')];
if (hooks !== undefined) {
  hooks.onEntry = (entry) => {
    for (const observer of observers) observer[receive](entry);
  };
  hooks.onReset = () => {
    for (const observer of observers) observer[forget]();
  };
}
Object.assign(globalThis, { PerformanceObserver, PerformanceObserverEntryList });

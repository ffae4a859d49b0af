const nodeModules =
  'assert assert/strict buffer crypto events path path/posix process punycode querystring stream stream/promises string_decoder timers timers/promises url util'.split(
    ' ',
  );

/**
 * The globals of a handler on Ember, as declarations for an editor.
 *
 * Source: core/runtimes/ember/prelude and core/bundle/shims, which define them.
 */
export const handlerGlobals = `interface Console {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  dir(value: unknown, options?: { depth?: number | null }): void;
  dirxml(...values: unknown[]): void;
  table(data: unknown, columns?: readonly string[]): void;
  assert(condition?: unknown, ...values: unknown[]): void;
  group(...values: unknown[]): void;
  groupCollapsed(...values: unknown[]): void;
  groupEnd(): void;
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
  count(label?: string): void;
  countReset(label?: string): void;
  clear(): void;
}
/** Writes to the serial console. */
declare var console: Console;

/**
 * Environment and arguments are those of firstlight.json, as they were when the image was built, and what the guest is given at its
 * start; what a function sets stays in its guest.
 */
declare var process: {
  readonly env: Record<string, string | undefined>;
  readonly platform: string;
  readonly arch: string;
  readonly version: string;
  readonly versions: Readonly<Record<string, string>>;
  /** The path of Ember, that of the script, then the arguments, as in Node.js. */
  argv: string[];
  readonly execPath: string;
  readonly stdout: { write(text: string | Uint8Array): boolean; readonly isTTY: false };
  readonly stderr: { write(text: string | Uint8Array): boolean; readonly isTTY: false };
  nextTick<Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args): void;
  readonly hrtime: { (since?: readonly [number, number]): [number, number]; bigint(): bigint };
  uptime(): number;
  cwd(): string;
  emitWarning(warning: string | Error): void;
};
declare var global: typeof globalThis;

interface PerformanceEntry {
  readonly name: string;
  readonly entryType: string;
  readonly startTime: number;
  readonly duration: number;
  readonly detail: unknown;
}
declare var PerformanceEntry: { prototype: PerformanceEntry };
declare var PerformanceMark: { new (name: string, options?: { startTime?: number; detail?: unknown }): PerformanceEntry; prototype: PerformanceEntry };
declare var PerformanceMeasure: { prototype: PerformanceEntry };
interface PerformanceObserverEntryList {
  getEntries(): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
}
declare var PerformanceObserverEntryList: { prototype: PerformanceObserverEntryList };
declare class PerformanceObserver {
  static readonly supportedEntryTypes: readonly string[];
  constructor(callback: (list: PerformanceObserverEntryList, observer: PerformanceObserver) => void);
  observe(options: { entryTypes: readonly string[] } | { type: string; buffered?: boolean }): void;
  disconnect(): void;
  takeRecords(): PerformanceEntry[];
}
declare var performance: {
  now(): number;
  readonly timeOrigin: number;
  mark(name: string, options?: { startTime?: number; detail?: unknown }): PerformanceEntry;
  measure(name: string, from?: string | { start?: string | number; end?: string | number; duration?: number; detail?: unknown }, to?: string): PerformanceEntry;
  getEntries(): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
  clearMarks(name?: string): void;
  clearMeasures(name?: string): void;
};

/** A timer, as Node's: it stands for a number. */
interface Timeout {
  ref(): this;
  unref(): this;
  hasRef(): boolean;
  refresh(): this;
  close(): this;
  [Symbol.toPrimitive](): number;
}
declare function setTimeout<Args extends unknown[]>(callback: (...args: Args) => void, ms?: number, ...args: Args): Timeout;
declare function setInterval<Args extends unknown[]>(callback: (...args: Args) => void, ms?: number, ...args: Args): Timeout;
declare function setImmediate<Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args): Timeout;
declare function clearTimeout(timer: Timeout | number | undefined): void;
declare function clearInterval(timer: Timeout | number | undefined): void;
declare function clearImmediate(timer: Timeout | number | undefined): void;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<Value>(value: Value, options?: { transfer?: readonly unknown[] }): Value;
declare function reportError(error: unknown): void;
/** Bytes, one in each character, to base64. */
declare function btoa(text: string): string;
declare function atob(base64: string): string;

type BufferSource = ArrayBuffer | ArrayBufferView;
type KeyUsage = 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'deriveKey' | 'deriveBits' | 'wrapKey' | 'unwrapKey';
interface CryptoKey {
  readonly type: 'secret' | 'private' | 'public';
  readonly extractable: boolean;
  readonly algorithm: { readonly name: string; readonly [name: string]: unknown };
  readonly usages: readonly KeyUsage[];
}
type Algorithm = string | { readonly name: string; readonly [name: string]: unknown };
/** SHA-1, -256, -384 and -512; HMAC; AES-GCM, -CBC, -CTR and -KW; PBKDF2; HKDF; ECDSA and ECDH on P-256, P-384 and P-521; Ed25519; X25519; RSA with keys that are there. */
interface SubtleCrypto {
  digest(algorithm: Algorithm, data: BufferSource): Promise<ArrayBuffer>;
  sign(algorithm: Algorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  verify(algorithm: Algorithm, key: CryptoKey, signature: BufferSource, data: BufferSource): Promise<boolean>;
  encrypt(algorithm: Algorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  decrypt(algorithm: Algorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  generateKey(algorithm: Algorithm, extractable: boolean, usages: readonly KeyUsage[]): Promise<any>;
  importKey(format: 'raw' | 'jwk' | 'spki' | 'pkcs8', data: BufferSource | object, algorithm: Algorithm, extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  exportKey(format: 'raw' | 'jwk' | 'spki' | 'pkcs8', key: CryptoKey): Promise<any>;
  deriveBits(algorithm: Algorithm, key: CryptoKey, bits?: number | null): Promise<ArrayBuffer>;
  deriveKey(algorithm: Algorithm, key: CryptoKey, target: Algorithm, extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
  wrapKey(format: string, key: CryptoKey, wrapping: CryptoKey, algorithm: Algorithm): Promise<ArrayBuffer>;
  unwrapKey(format: string, wrapped: BufferSource, wrapping: CryptoKey, algorithm: Algorithm, target: Algorithm, extractable: boolean, usages: readonly KeyUsage[]): Promise<CryptoKey>;
}
declare var crypto: {
  getRandomValues<View extends ArrayBufferView>(view: View): View;
  randomUUID(): string;
  readonly subtle: SubtleCrypto;
};

declare class TextEncoder {
  readonly encoding: 'utf-8';
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
/** UTF-8, UTF-16 and windows-1252. */
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: BufferSource, options?: { stream?: boolean }): string;
}

declare class Event {
  constructor(type: string, init?: { cancelable?: boolean });
  readonly type: string;
  readonly target: EventTarget | null;
  readonly defaultPrevented: boolean;
  preventDefault(): void;
  stopImmediatePropagation(): void;
}
declare class CustomEvent<Detail = any> extends Event {
  constructor(type: string, init?: { detail?: Detail; cancelable?: boolean });
  readonly detail: Detail;
}
declare class MessageEvent<Data = any> extends Event {
  readonly data: Data;
}
type EventListener = ((event: any) => void) | { handleEvent(event: any): void };
declare class EventTarget {
  addEventListener(type: string, listener: EventListener | null, options?: { once?: boolean; signal?: AbortSignal } | boolean): void;
  removeEventListener(type: string, listener: EventListener | null): void;
  dispatchEvent(event: Event): boolean;
}
declare class AbortSignal extends EventTarget {
  private constructor();
  static abort(reason?: unknown): AbortSignal;
  static timeout(ms: number): AbortSignal;
  static any(signals: Iterable<AbortSignal>): AbortSignal;
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((event: Event) => void) | null;
  throwIfAborted(): void;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare class MessagePort extends EventTarget {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(data: unknown, transfer?: readonly unknown[]): void;
  start(): void;
  close(): void;
}
declare class MessageChannel {
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}

interface ReadableStreamDefaultReader<Chunk = any> {
  read(): Promise<{ done: false; value: Chunk } | { done: true; value: undefined }>;
  releaseLock(): void;
  cancel(reason?: unknown): Promise<void>;
  readonly closed: Promise<void>;
}
interface ReadableStreamDefaultController<Chunk = any> {
  readonly desiredSize: number | null;
  enqueue(chunk: Chunk): void;
  close(): void;
  error(reason?: unknown): void;
}
declare class ReadableStream<Chunk = any> implements AsyncIterable<Chunk> {
  constructor(
    source?: {
      start?(controller: ReadableStreamDefaultController<Chunk>): unknown;
      pull?(controller: ReadableStreamDefaultController<Chunk>): unknown;
      cancel?(reason?: unknown): unknown;
      type?: 'bytes';
    },
    strategy?: { highWaterMark?: number; size?(chunk: Chunk): number },
  );
  static from<Chunk>(chunks: Iterable<Chunk> | AsyncIterable<Chunk>): ReadableStream<Chunk>;
  readonly locked: boolean;
  getReader(): ReadableStreamDefaultReader<Chunk>;
  tee(): [ReadableStream<Chunk>, ReadableStream<Chunk>];
  pipeThrough<Out>(transform: { readable: ReadableStream<Out>; writable: WritableStream<Chunk> }): ReadableStream<Out>;
  pipeTo(target: WritableStream<Chunk>, options?: { signal?: AbortSignal }): Promise<void>;
  cancel(reason?: unknown): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk>;
}
declare class WritableStream<Chunk = any> {
  constructor(sink?: { start?(controller: unknown): unknown; write?(chunk: Chunk): unknown; close?(): unknown; abort?(reason?: unknown): unknown });
  readonly locked: boolean;
  getWriter(): { write(chunk: Chunk): Promise<void>; close(): Promise<void>; abort(reason?: unknown): Promise<void>; releaseLock(): void; readonly ready: Promise<void>; readonly closed: Promise<void> };
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
}
declare class TransformStream<In = any, Out = any> {
  constructor(transformer?: { start?(controller: ReadableStreamDefaultController<Out>): unknown; transform?(chunk: In, controller: ReadableStreamDefaultController<Out>): unknown; flush?(controller: ReadableStreamDefaultController<Out>): unknown });
  readonly readable: ReadableStream<Out>;
  readonly writable: WritableStream<In>;
}
declare class TextDecoderStream extends TransformStream<BufferSource, string> {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
}
declare class TextEncoderStream extends TransformStream<string, Uint8Array<ArrayBuffer>> {}
declare class CompressionStream extends TransformStream<BufferSource, Uint8Array<ArrayBuffer>> {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
}
declare class DecompressionStream extends TransformStream<BufferSource, Uint8Array<ArrayBuffer>> {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
}

declare class Blob {
  constructor(parts?: Iterable<string | BufferSource | Blob>, options?: { type?: string });
  readonly size: number;
  readonly type: string;
  slice(start?: number, end?: number, type?: string): Blob;
  text(): Promise<string>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}
declare class File extends Blob {
  constructor(parts: Iterable<string | BufferSource | Blob>, name: string, options?: { type?: string; lastModified?: number });
  readonly name: string;
  readonly lastModified: number;
}
declare class FormData implements Iterable<[string, string | File]> {
  append(name: string, value: string | Blob, filename?: string): void;
  set(name: string, value: string | Blob, filename?: string): void;
  get(name: string): string | File | null;
  getAll(name: string): (string | File)[];
  has(name: string): boolean;
  delete(name: string): void;
  entries(): IterableIterator<[string, string | File]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string | File>;
  [Symbol.iterator](): IterableIterator<[string, string | File]>;
}

type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;
type BodyInit = string | BufferSource | URLSearchParams | Blob | FormData | ReadableStream;

/** By the WHATWG standard, except that names of hosts are taken as they are: no UTS 46. */
declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}
declare class URLSearchParams implements Iterable<[string, string]> {
  constructor(init?: string | URLSearchParams | Iterable<readonly [string, string]> | Readonly<Record<string, string>>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, thisArg?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

declare class Headers implements Iterable<[string, string]> {
  constructor(init?: HeadersInit);
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
interface Body {
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
  blob(): Promise<Blob>;
  formData(): Promise<FormData>;
}
interface ResponseInit {
  /** From 200 to 599. Default: 200. */
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}
interface Response extends Body {}
/** An answer. A handler may return it. */
declare class Response {
  constructor(body?: BodyInit | null, init?: ResponseInit);
  static json(value: unknown, init?: ResponseInit): Response;
  static redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly type: string;
  readonly url: string;
  readonly redirected: boolean;
  clone(): Response;
}
interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  readonly signal?: AbortSignal | null;
}
/** Sends a request by HTTP. For a function whose firstlight.json has \`"ember": { "network": { "kind": "user", "outbound": true } }\`. */
declare function fetch(
  input: Request | string | URL,
  init?: RequestInit & { readonly redirect?: 'follow' | 'error' | 'manual' },
): Promise<Response>;
interface Request extends Body {}
/** A request, for routers that take one. */
declare class Request {
  constructor(input: Request | string | URL, init?: RequestInit);
  readonly url: string;
  readonly method: string;
  clone(): Request;
}

// Node's modules that need no system. A project that installs @types/node has them typed.
${nodeModules.flatMap((name) => [`declare module '${name}';`, `declare module 'node:${name}';`]).join('\n')}
`;

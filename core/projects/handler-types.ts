/**
 * What a handler may use, as declarations for an editor: the module `firstlight`, and the globals that Ember offers.
 *
 * Source: core/runtimes/ember/prelude, which makes these globals.
 */
export const handlerTypes = `// What a function may use. Written by Firstlight: changes here are lost.

declare module 'firstlight' {
  /** Any JSON value. */
  export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

  /**
   * What a function is called with: an HTTP request, or any JSON given with \`--event\`.
   *
   * \`Event<MyType>\` says what the JSON of your own event is.
   */
  export type Event<Payload = AnyEvent> = Payload;

  /** An HTTP request, or a JSON object with keys of its own. */
  export interface AnyEvent extends Partial<HttpEvent> {
    readonly [key: string]: any;
  }

  /** An HTTP request. */
  export interface HttpEvent<Body = any> {
    readonly method: string;
    /** Begins with a slash, without the query. */
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    /** Names in lower case. */
    readonly headers: Readonly<Record<string, string>>;
    /** The JSON value of the request, or text, or null. */
    readonly body: Body;
  }

  /** About this invocation. */
  export interface Context {
    readonly functionName: string;
    /** What booted: \`ember\` is the built-in unikernel. */
    readonly runtime: string;
    /** Counts this instance's invocations: \`1\` is the first after the cold start. */
    readonly invocationId: string;
  }

  /** An answer with a status and headers of its own. An object with other keys is sent as JSON, with status 200. */
  export interface Response {
    /** Default: 200. */
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** Text, bytes (an \`ArrayBuffer\` or a view of one), or anything that JSON can say. */
    readonly body: Json | object | undefined;
  }

  type Answer = Response | globalThis.Response | Json | object | undefined | void;
  /** A function: the default export of the entry file. */
  export type Handler<Payload = AnyEvent> = (event: Payload, context: Context) => Answer | Promise<Answer>;
}

interface Console {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  dir(value: unknown): void;
  assert(condition?: unknown, ...values: unknown[]): void;
  group(...values: unknown[]): void;
  groupEnd(): void;
  time(label?: string): void;
  timeEnd(label?: string): void;
  count(label?: string): void;
}
/** Writes to the serial console. */
declare var console: Console;

/** The environment is that of firstlight.json, as it was when the image was built. */
declare var process: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly version: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
};

declare var performance: { now(): number; readonly timeOrigin: number };

declare function setTimeout<Args extends unknown[]>(callback: (...args: Args) => void, ms?: number, ...args: Args): number;
declare function setInterval<Args extends unknown[]>(callback: (...args: Args) => void, ms?: number, ...args: Args): number;
declare function setImmediate<Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function clearImmediate(id: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<Value>(value: Value): Value;
/** Bytes, one in each character, to base64. */
declare function btoa(text: string): string;
declare function atob(base64: string): string;

declare var crypto: {
  getRandomValues<View extends ArrayBufferView>(view: View): View;
  randomUUID(): string;
};

declare class TextEncoder {
  readonly encoding: 'utf-8';
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: 'utf-8';
  decode(bytes?: ArrayBuffer | ArrayBufferView): string;
}

type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;
type BodyInit = string | ArrayBuffer | ArrayBufferView | URLSearchParams;

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
  /** What the body is made of: Ember has no streams. */
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
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
}
interface Request extends Body {}
/** A request, for routers that take one. */
declare class Request {
  constructor(input: Request | string | URL, init?: RequestInit);
  readonly url: string;
  readonly method: string;
  clone(): Request;
}

declare module '*.txt' {
  const text: string;
  export default text;
}
declare module '*.md' {
  const text: string;
  export default text;
}
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
declare module '*.svg' {
  const text: string;
  export default text;
}
declare module '*.bin' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
`;

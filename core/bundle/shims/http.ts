/**
 * `Headers`, `Request` and `Response` as functions know them from the web.
 *
 * It runs in the guest, so it uses only the globals of a bare engine. `Request` needs the global `URL`; streams, blobs
 * and forms exist when their scripts were put before this one (core/bundle/choose-shims.ts): without streams, `body` is
 * its original text or bytes.
 */
type HeadersInit = Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const cookieName = 'set-cookie';

/** Header fields by name, in any case. */
export class Headers {
  readonly #values = new Map<string, string[]>();

  constructor(init?: HeadersInit) {
    if (init === undefined || init === null) return;
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }

  append(name: string, value: string): void {
    const key = fieldNameOf(name);
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [fieldValueOf(name, value)]);
    else values.push(fieldValueOf(name, value));
  }

  set(name: string, value: string): void {
    this.#values.set(fieldNameOf(name), [fieldValueOf(name, value)]);
  }

  get(name: string): string | null {
    return this.#values.get(fieldNameOf(name))?.join(', ') ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#values.get(cookieName) ?? [])];
  }

  has(name: string): boolean {
    return this.#values.has(fieldNameOf(name));
  }

  delete(name: string): void {
    this.#values.delete(fieldNameOf(name));
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  /** Headers by name; each `set-cookie` is separate. */
  *entries(): Generator<[string, string], undefined> {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name) ?? [];
      for (const value of name === cookieName ? values : [values.join(', ')]) yield [name, value];
    }
  }

  *keys(): Generator<string, undefined> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): Generator<string, undefined> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[string, string], undefined> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return 'Headers';
  }
}

function fieldNameOf(name: string): string {
  const text = String(name);
  if (!tokenPattern.test(text)) throw new TypeError(`${JSON.stringify(text)} is not a header's name.`);
  return text.toLowerCase();
}

function fieldValueOf(name: string, value: string): string {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || code === 0 || code === 10 || code === 13) {
      throw new TypeError(`The header ${JSON.stringify(name)} has a value with a character that headers cannot carry.`);
    }
  }
  return text;
}

type Bytes = Uint8Array<ArrayBuffer>;
type Content = string | Bytes | ReadableStream | null;

interface Forms {
  readonly readForm: (bytes: Bytes, type: string) => object;
  readonly writeForm: (form: object) => { readonly bytes: Bytes; readonly type: string };
}
const forms = (): Forms | undefined =>
  (globalThis as unknown as Record<symbol, Forms | undefined>)[Symbol.for('firstlight.forms')];
/** The key of a Blob's content. */
const contentOfBlob = Symbol.for('firstlight.blob');
const tagOf = (value: unknown) => Object.prototype.toString.call(value).slice(8, -1);
const isStream = (value: unknown): value is ReadableStream =>
  typeof value === 'object' && tagOf(value) === 'ReadableStream';

/** The content of a body, with the default for its content type. */
function contentOf(given: unknown): { readonly content: Content; readonly type: string | null } {
  if (given === undefined || given === null) return { content: null, type: null };
  if (given instanceof ArrayBuffer) return { content: new Uint8Array(given.slice(0)), type: null };
  if (ArrayBuffer.isView(given)) {
    const bytes = new Uint8Array(given.byteLength);
    bytes.set(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
    return { content: bytes, type: null };
  }
  if (isStream(given)) return { content: given, type: null };
  const tag = tagOf(given);
  if (tag === 'Blob' || tag === 'File') {
    const blob = given as { readonly type: string; [contentOfBlob]: () => Bytes };
    return { content: blob[contentOfBlob](), type: blob.type || null };
  }
  if (tag === 'FormData') {
    const { bytes = null, type = null } = forms()?.writeForm(given as object) ?? {};
    return { content: bytes, type };
  }
  const type =
    tag === 'URLSearchParams' ? 'application/x-www-form-urlencoded;charset=UTF-8' : 'text/plain;charset=UTF-8';
  return { content: String(given), type };
}

/** A body that is read once. */
class Message {
  readonly headers: Headers;
  #content: Content;
  #stream: ReadableStream | null = null;
  #used = false;

  constructor(body: unknown, headers: HeadersInit | undefined) {
    const { content, type } = contentOf(body);
    if (isStream(content)) this.#stream = content;
    this.#content = content;
    this.headers = new Headers(headers);
    if (type !== null && !this.headers.has('content-type')) this.headers.set('content-type', type);
  }

  get body(): Content {
    if (this.#content === null || typeof ReadableStream === 'undefined') return this.#content;
    this.#stream ??= streamOf(this.#content);
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#used || (this.#stream !== null && isRead.has(this.#stream));
  }

  async text(): Promise<string> {
    const content = await this.#read();
    return typeof content === 'string' ? content : new TextDecoder().decode(content ?? new Uint8Array());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async bytes(): Promise<Bytes> {
    const content = await this.#read();
    return typeof content === 'string' ? new TextEncoder().encode(content) : (content?.slice() ?? new Uint8Array());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async blob(): Promise<Blob> {
    const type = this.headers.get('content-type') ?? '';
    return new Blob([await this.bytes()], { type });
  }

  async formData(): Promise<object> {
    const type = this.headers.get('content-type') ?? '';
    const read = forms()?.readForm;
    if (read === undefined) throw new TypeError('There are no forms: name FormData where the body is read.');
    return read(await this.bytes(), type);
  }

  async #read(): Promise<string | Bytes | null> {
    this.assertUnread();
    this.#used = this.#content !== null;
    if (this.#stream !== null) return await bytesIn(this.#stream);
    return isStream(this.#content) ? await bytesIn(this.#content) : this.#content;
  }

  assertUnread(): void {
    if (this.bodyUsed || this.#stream?.locked) {
      throw new TypeError('The body has been read already; `clone()` before reading keeps another.');
    }
  }

  /** The body for another message: of a stream, one of two branches. */
  branch(): Content {
    this.assertUnread();
    if (this.#stream === null) return this.#content;
    const [one, two] = this.#stream.tee();
    this.#stream = one;
    if (isStream(this.#content)) this.#content = one;
    return two;
  }

  /** The body to be sent: at once, or once a stream has been read. */
  take(): string | Bytes | null | Promise<Bytes> {
    this.assertUnread();
    if (this.#stream !== null) return bytesIn(this.#stream);
    return this.#content as string | Bytes | null;
  }
}

/** Streams that this shim has read to their end. */
const isRead = new WeakSet<ReadableStream>();

const streamOf = (content: string | Bytes | ReadableStream): ReadableStream =>
  isStream(content)
    ? content
    : new ReadableStream({
        start: (controller) => {
          const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
          if (bytes.length > 0) controller.enqueue(bytes);
          controller.close();
        },
      });

async function bytesIn(stream: ReadableStream): Promise<Bytes> {
  isRead.add(stream);
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    if (!(step.value instanceof Uint8Array)) throw new TypeError('The stream of a body gives Uint8Arrays.');
    chunks.push(step.value);
    length += step.value.length;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** How the guest finds the content to send: see core/runtime/function/dispatch.prelude.js. */
const sendable = Symbol.for('firstlight.response');
const bodiless = [204, 205, 304];

/** An answer. A handler may return it. */
export class Response extends Message {
  readonly status: number;
  readonly statusText: string;

  constructor(body?: unknown, init: ResponseInit = {}) {
    super(body, init.headers);
    this.status = Number(init.status ?? 200);
    this.statusText = String(init.statusText ?? '');
    if (!Number.isInteger(this.status) || this.status < 200 || this.status > 599) {
      throw new RangeError(`A response's status is a whole number from 200 to 599, not ${init.status}.`);
    }
    if (hasBody(body) && bodiless.includes(this.status)) {
      throw new TypeError(`A response with status ${this.status} has no body.`);
    }
  }

  static json(value: unknown, init: ResponseInit = {}): Response {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`A ${typeof value} has no JSON form.`);
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(text, { ...init, headers });
  }

  static redirect(url: string | { toString(): string }, status = 302): Response {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`${status} is not a status of a redirect.`);
    return new Response(null, { status, headers: { location: String(url) } });
  }

  get ok(): boolean {
    return this.status < 300;
  }

  get type(): string {
    return 'default';
  }

  get url(): string {
    return '';
  }

  get redirected(): boolean {
    return false;
  }

  static error(): Response {
    throw new TypeError('Response.error() stands for a network that failed. Answer with a status of your own.');
  }

  clone(): Response {
    return new Response(this.branch(), this);
  }

  get [Symbol.toStringTag](): string {
    return 'Response';
  }

  [sendable](): object | Promise<object> {
    this.assertUnread();
    const { status, headers } = this;
    const body = this.take();
    return body instanceof Promise
      ? body.then((bytes) => ({ status, headers, body: bytes }))
      : { status, headers, body };
  }
}

/** What a request keeps for those who ask, and what it is where nothing is given. Only `redirect` means something here. */
const settings = {
  ...{ referrer: 'about:client', referrerPolicy: '', mode: 'cors', credentials: 'same-origin' },
  ...{ cache: 'default', redirect: 'follow', integrity: '', keepalive: false },
};

interface RequestInit extends Partial<Readonly<Record<keyof typeof settings, unknown>>> {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null;
}

/** A request, for routers that take one. */
export class Request extends Message {
  readonly url: string;
  readonly method: string;
  readonly signal: AbortSignal | undefined;
  declare readonly redirect: 'follow' | 'error' | 'manual';
  readonly #settings = new Map<string, unknown>();

  static {
    const members = { destination: '', duplex: 'half', isReloadNavigation: false, isHistoryNavigation: false };
    for (const [name, value] of Object.entries({ ...settings, ...members })) {
      Object.defineProperty(Request.prototype, name, {
        get(this: Request) {
          return this.#settings.get(name) ?? value;
        },
        enumerable: true,
        configurable: true,
      });
    }
  }

  constructor(input: Request | string | { toString(): string }, init: RequestInit = {}) {
    const from = input instanceof Request ? input : undefined;
    super(init.body ?? from?.branch(), init.headers ?? from?.headers);
    this.url = from?.url ?? new URL(String(input)).href;
    const signal = init.signal ?? from?.signal;
    this.signal = signal ?? (typeof AbortController === 'undefined' ? undefined : new AbortController().signal);
    const method = String(init.method ?? from?.method ?? 'GET');
    for (const name of Object.keys(settings)) {
      const value = init[name as keyof typeof settings] ?? (from === undefined ? undefined : from.#settings.get(name));
      if (value !== undefined) this.#settings.set(name, value);
    }
    this.method = /^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method;
    if (hasBody(init.body ?? from?.body) && (this.method === 'GET' || this.method === 'HEAD')) {
      throw new TypeError(`A ${this.method} request has no body.`);
    }
  }

  clone(): Request {
    return new Request(this);
  }

  get [Symbol.toStringTag](): string {
    return 'Request';
  }
}

/** True when there is a body; makes no stream of it. */
const hasBody = (body: unknown): boolean => body !== undefined && body !== null;

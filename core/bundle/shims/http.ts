/**
 * `Headers`, `Request` and `Response` as functions know them from the web, without streams: a body is text or bytes, there at once.
 *
 * It runs in the guest, so it uses what Ember has and nothing of ours; `Request` needs the global `URL` besides.
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

  /** By name; each `set-cookie` by itself. */
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

type Content = string | Uint8Array<ArrayBuffer> | null;

/** What a body is made of, with the type to say when nobody says another. */
function contentOf(given: unknown): { readonly content: Content; readonly type: string | null } {
  if (given === undefined || given === null) return { content: null, type: null };
  if (given instanceof ArrayBuffer) return { content: new Uint8Array(given.slice(0)), type: null };
  if (ArrayBuffer.isView(given)) {
    const bytes = new Uint8Array(given.byteLength);
    bytes.set(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
    return { content: bytes, type: null };
  }
  const isForm = Object.prototype.toString.call(given) === '[object URLSearchParams]';
  const type = isForm ? 'application/x-www-form-urlencoded;charset=UTF-8' : 'text/plain;charset=UTF-8';
  return { content: String(given), type };
}

/** A body that is read once. */
class Message {
  readonly headers: Headers;
  readonly #content: Content;
  #used = false;

  constructor(body: unknown, headers: HeadersInit | undefined) {
    const { content, type } = contentOf(body);
    this.#content = content;
    this.headers = new Headers(headers);
    if (type !== null && !this.headers.has('content-type')) this.headers.set('content-type', type);
  }

  /** What the body is made of. Ember has no streams. */
  get body(): Content {
    return this.#content;
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  async text(): Promise<string> {
    const content = this.#read();
    return typeof content === 'string' ? content : new TextDecoder().decode(content ?? new Uint8Array());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const content = this.#read();
    return typeof content === 'string' ? new TextEncoder().encode(content) : (content?.slice() ?? new Uint8Array());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  #read(): Content {
    this.assertUnread();
    this.#used = this.#content !== null;
    return this.#content;
  }

  assertUnread(): void {
    if (this.#used) throw new TypeError('The body has been read already; `clone()` before reading keeps another.');
  }
}

interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** How the guest knows what to send: see core/runtime/function/dispatch.prelude.js. */
const sendable = Symbol.for('ember.response');
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
    if (this.body !== null && bodiless.includes(this.status)) {
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

  clone(): Response {
    this.assertUnread();
    return new Response(this.body, this);
  }

  get [Symbol.toStringTag](): string {
    return 'Response';
  }

  [sendable](): { status: number; headers: Record<string, string>; body: Content } {
    this.assertUnread();
    if (this.headers.getSetCookie().length > 1) {
      throw new TypeError('The response sets more than one cookie; an answer carries one value for each header.');
    }
    return { status: this.status, headers: Object.fromEntries(this.headers), body: this.body };
  }
}

interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: unknown;
}

/** A request, for routers that take one. */
export class Request extends Message {
  readonly url: string;
  readonly method: string;

  constructor(input: Request | string | { toString(): string }, init: RequestInit = {}) {
    const from = input instanceof Request ? input : undefined;
    if (init.body === undefined) from?.assertUnread();
    super(init.body ?? from?.body, init.headers ?? from?.headers);
    this.url = from?.url ?? new URL(String(input)).href;
    const method = String(init.method ?? from?.method ?? 'GET');
    this.method = /^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method;
    if (this.body !== null && (this.method === 'GET' || this.method === 'HEAD')) {
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

/** `Blob`, `File` and `FormData`, with bodies in `multipart/form-data`. */
import { optionsOf } from './options-of.ts';

type Part = string | ArrayBuffer | ArrayBufferView | Blob;
const encoder = new TextEncoder();

/** The bytes of several parts, one after the other. */
function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The content of a Blob, for the shims of this folder. */
export const contentOf = Symbol.for('firstlight.blob');

export class Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #type: string;

  constructor(parts: Iterable<Part> = [], given?: { type?: string; endings?: 'transparent' | 'native' } | null) {
    const isList = typeof parts === 'object' && parts !== null && typeof parts[Symbol.iterator] === 'function';
    if (!isList) throw new TypeError('A Blob is made of a list of parts.');
    const options = optionsOf(given);
    if (options.endings !== undefined && !/^(?:transparent|native)$/.test(String(options.endings))) {
      throw new TypeError('`endings` is transparent or native.');
    }
    this.#bytes = join(
      [...parts].map((part) => {
        if (part instanceof Blob) return part.#bytes;
        if (part instanceof ArrayBuffer) return new Uint8Array(part);
        if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
        const text = String(part);
        return encoder.encode(options.endings === 'native' ? text.replace(/\r\n?/g, '\n') : text);
      }),
    );
    const type = String(options.type === undefined ? '' : options.type);
    this.#type = /^[\x20-\x7e]*$/.test(type) ? type.toLowerCase() : '';
  }
  get size(): number {
    return this.#bytes.length;
  }
  get type(): string {
    return this.#type;
  }
  slice(start = 0, end = this.size, type = ''): Blob {
    const at = (place: number) => (place < 0 ? Math.max(0, this.size + place) : Math.min(place, this.size));
    return new Blob([this.#bytes.subarray(at(start), Math.max(at(start), at(end)))], { type: String(type) });
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes.slice();
  }
  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes);
  }
  stream(): ReadableStream {
    const bytes = this.#bytes;
    return new ReadableStream({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes.slice());
        controller.close();
      },
    });
  }
  [contentOf](): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }
  [Symbol.for('firstlight.clone')](): Blob {
    return new Blob([this], { type: this.type });
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `${this[Symbol.toStringTag]} { size: ${this.size}, type: '${this.type}' }`;
  }
  get [Symbol.toStringTag](): string {
    return 'Blob';
  }
}

export class File extends Blob {
  readonly name: string;
  readonly lastModified: number;
  readonly webkitRelativePath = '';
  constructor(parts: Iterable<Part>, name: string, given?: { type?: string; lastModified?: number } | null) {
    // biome-ignore lint/complexity/noArguments: undefined is a name, and none is an error.
    if (arguments.length < 2) throw new TypeError('A File needs its parts and its name.');
    const options = optionsOf(given);
    super(parts, options);
    this.name = String(name);
    this.lastModified = Math.trunc(Number(options.lastModified ?? Date.now())) || 0;
  }
  [Symbol.for('firstlight.clone')](): File {
    return new File([this], this.name, { type: this.type, lastModified: this.lastModified });
  }
  override get [Symbol.toStringTag](): string {
    return 'File';
  }
}

export type FormValue = string | File;

export class FormData {
  #entries: [string, FormValue][] = [];

  constructor(form?: undefined) {
    if (form !== undefined) throw new TypeError('A function has no HTML form to read.');
  }
  append(name: string, value: string | Blob, filename?: string): void {
    this.#entries.push([String(name), entryOf(value, filename)]);
  }
  set(name: string, value: string | Blob, filename?: string): void {
    const key = String(name);
    const at = this.#entries.findIndex(([other]) => other === key);
    if (at === -1) {
      this.append(name, value, filename);
      return;
    }
    this.#entries = this.#entries.filter(([other], index) => other !== key || index <= at);
    this.#entries[at] = [key, entryOf(value, filename)];
  }
  get(name: string): FormValue | null {
    return this.#entries.find(([other]) => other === String(name))?.[1] ?? null;
  }
  getAll(name: string): FormValue[] {
    return this.#entries.flatMap(([other, value]) => (other === String(name) ? [value] : []));
  }
  has(name: string): boolean {
    return this.#entries.some(([other]) => other === String(name));
  }
  delete(name: string): void {
    this.#entries = this.#entries.filter(([other]) => other !== String(name));
  }
  forEach(callback: (value: FormValue, name: string, form: FormData) => void, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }
  *entries(): Generator<[string, FormValue], undefined> {
    for (const [name, value] of this.#entries) yield [name, value];
  }
  *keys(): Generator<string, undefined> {
    for (const [name] of this.#entries) yield name;
  }
  *values(): Generator<FormValue, undefined> {
    for (const [, value] of this.#entries) yield value;
  }
  [Symbol.iterator](): Generator<[string, FormValue], undefined> {
    return this.entries();
  }
  get [Symbol.toStringTag](): string {
    return 'FormData';
  }
}

function entryOf(value: string | Blob, filename: string | undefined): FormValue {
  if (!(value instanceof Blob)) return String(value);
  if (value instanceof File && filename === undefined) return value;
  return new File([value], filename ?? 'blob', { type: value.type });
}

const escapeName = (name: string) => name.replace(/\r\n?|\n/g, '%0D%0A').replaceAll('"', '%22');

/** A form as a body. */
export function writeForm(form: FormData): { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string } {
  const boundary = `----firstlight${crypto.randomUUID().replaceAll('-', '')}`;
  const parts: Uint8Array[] = [];
  for (const [name, value] of form) {
    const file = value instanceof File ? value : null;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"${file === null ? '' : `; filename="${escapeName(file.name)}"\r\nContent-Type: ${file.type || 'application/octet-stream'}`}\r\n\r\n`;
    parts.push(encoder.encode(head));
    parts.push(file === null ? encoder.encode(String(value).replace(/\r\n?|\n/g, '\r\n')) : file[contentOf]());
    parts.push(encoder.encode('\r\n'));
  }
  parts.push(encoder.encode(`--${boundary}--\r\n`));
  return { bytes: join(parts), type: `multipart/form-data; boundary=${boundary}` };
}

/** The form in a body. Errors: TypeError for a body that is not a form. */
export function readForm(bytes: Uint8Array<ArrayBuffer>, type: string): FormData {
  const form = new FormData();
  if (/^application\/x-www-form-urlencoded/i.test(type)) {
    for (const pair of new TextDecoder().decode(bytes).split('&')) {
      if (pair === '') continue;
      const [name = '', ...value] = pair.split('=');
      form.append(decode(name), decode(value.join('=')));
    }
    return form;
  }
  const boundary = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  if (boundary === null)
    throw new TypeError('The body is not a form: its type is neither multipart/form-data nor urlencoded.');
  // Bytes as chars of the same number: text is decoded later, part by part.
  let body = '\r\n';
  for (let at = 0; at < bytes.length; at += 8192) body += String.fromCharCode(...bytes.subarray(at, at + 8192));
  const text = (chars: string) => new TextDecoder().decode(toBytes(chars));
  const pieces = body.split(`\r\n--${boundary[1] ?? boundary[2]}`);
  if (pieces.length < 2 || !/^--\s*$/.test(pieces.at(-1) ?? '')) throw new TypeError('The form has no end.');
  for (const piece of pieces.slice(1, -1)) {
    const end = piece.indexOf('\r\n\r\n');
    const head = text(piece.slice(0, end));
    const name = /\bname="([^"]*)"/i.exec(head)?.[1];
    if (end === -1 || name === undefined) throw new TypeError('A part of the form has no name.');
    const nameOf = (given: string) => given.replaceAll('%22', '"').replaceAll('%0D%0A', '\r\n');
    const filename = /\bfilename="([^"]*)"/i.exec(head)?.[1];
    const content = piece.slice(end + 4);
    if (filename === undefined) form.append(nameOf(name), text(content));
    else {
      const partType = /^content-type:\s*(.+?)\s*$/im.exec(head)?.[1] ?? 'text/plain';
      form.append(nameOf(name), new File([toBytes(content)], nameOf(filename), { type: partType }));
    }
  }
  return form;
}

/** Text of a form: what is not UTF-8 becomes U+FFFD, as everywhere on the web. */
function decode(text: string): string {
  const bytes = encoder.encode(text.replaceAll('+', ' '));
  const chars = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const plain = chars.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(toBytes(plain));
}

const toBytes = (chars: string) => Uint8Array.from(chars, (char) => char.charCodeAt(0));

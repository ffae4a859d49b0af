/**
 * The files of a folder that the host shares, by 9P (9P2000.L). The guest carries messages; all that an answer says is checked here. Nothing
 * is kept between two calls, so that a file which changed on the host is new to the next one.
 */
import { type Call, type Found, failure } from './assets.ts';

const ask = 2;
const root = 0;
const opened = 1;
/** Units: bytes. QEMU takes up to 4 MiB; more saves little. */
const messageMost = 256 * 1024;
/** The part of a message that is no data. Source: P9_IOHDRSZ in Linux. */
const headerBytes = 24;
const namesPerWalk = 16;
const namesMost = 100_000;
const fileMost = 512 << 20;

/** Each answer has the number of its question and one. */
const messages = { getattr: 24, lopen: 12, readdir: 40, version: 100, attach: 104, walk: 110, read: 116, clunk: 120 };
const failed = 7;
const attributesWanted = 0x7ff;
const noFid = 0xffff_ffff;
const modes = { kind: 0o170000, folder: 0o040000, file: 0o100000, link: 0o120000 };
/** Linux' numbers of errors that a folder gives for what a function may do. */
const errors: Readonly<Record<number, readonly [code: string, words: string]>> = {
  1: ['EPERM', 'operation not permitted'],
  13: ['EACCES', 'permission denied'],
  36: ['ENAMETOOLONG', 'name too long'],
  40: ['ELOOP', 'links are not followed in a shared folder'],
};
const isMissing = (number: number) => number === 2 || number === 20;

class Refused extends Error {
  readonly number: number;
  constructor(number: number) {
    super(`error ${number}`);
    this.number = number;
  }
}

const broken = (what: string) => failure('EIO', `the shared folder answered what is no 9P: ${what}.`);

/** Fields of a message, in order. */
class Writer {
  readonly #bytes: number[] = [];
  word(value: number, bytes: 1 | 2 | 4 | 8): this {
    for (let rest = value, at = 0; at < bytes; at++, rest = Math.floor(rest / 256)) this.#bytes.push(rest % 256);
    return this;
  }
  long(value: bigint): this {
    return this.word(Number(value & 0xffff_ffffn), 4).word(Number(value >> 32n), 4);
  }
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length > 0xffff) throw failure('ENAMETOOLONG', 'name too long');
    this.word(bytes.length, 2).#bytes.push(...bytes);
    return this;
  }
  /** The whole message. */
  message(type: number): Uint8Array<ArrayBuffer> {
    const head = new Writer()
      .word(7 + this.#bytes.length, 4)
      .word(type, 1)
      .word(0, 2);
    return Uint8Array.from([...head.#bytes, ...this.#bytes]);
  }
}

/** Fields of an answer, in order; one that it does not have is an error. */
class Reader {
  readonly #view: DataView;
  #at = 0;
  constructor(view: DataView) {
    this.#view = view;
  }
  get left(): number {
    return this.#view.byteLength - this.#at;
  }
  word(bytes: 1 | 2 | 4): number {
    const at = this.#take(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at, true);
    return this.#view.getUint32(at, true);
  }
  long(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }
  bytes(count: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#take(count), count);
  }
  text(): string {
    return new TextDecoder().decode(this.bytes(this.word(2)));
  }
  skip(count: number): this {
    this.#take(count);
    return this;
  }
  #take(count: number): number {
    if (count > this.left) throw broken('it is too short');
    this.#at += count;
    return this.#at - count;
  }
}

export interface Share {
  /** Undefined when there is nothing of that name. Errors: ENODEV, EACCES, EIO and the like. */
  readonly find: (path: string) => Found<string> | undefined;
  /** The whole file at a path. Errors: as `find`. */
  readonly read: (path: string) => Uint8Array<ArrayBuffer>;
}

/** The folder that the machine shares. Errors: ENODEV without one; EIO for a host that speaks otherwise. */
export function openShare(call: Call): Share {
  const answer = new ArrayBuffer(messageMost);
  const length = new Uint32Array(1);
  let most = messageMost;

  /** Errors: Refused with the host's number. */
  function send(type: number, fields: Writer): Reader {
    length[0] = 0;
    call(ask, fields.message(type).buffer, answer, length.buffer);
    const [bytes = 0] = length;
    if (bytes === 0)
      throw failure(
        'ENODEV',
        'the machine shares no folder. A guest has one where firstlight.json has "share", under libvirt and QEMU on this machine.',
      );
    if (bytes < 7 || bytes > messageMost) throw broken('it is too short');
    const reader = new Reader(new DataView(answer, 0, bytes));
    if (reader.word(4) !== bytes) throw broken('its length is another');
    const found = reader.word(1);
    reader.skip(2);
    if (found === failed) throw new Refused(reader.word(4));
    if (found !== type + 1) throw broken(`a message of type ${found}`);
    return reader;
  }

  /** What `use` gives for the file at a path, which it has as the fid `opened`. */
  function at<Result>(path: string, use: () => Result): Result {
    const names = path === '' ? [] : path.split('/');
    let from = root;
    try {
      do {
        const some = names.splice(0, namesPerWalk);
        const walk = new Writer().word(from, 4).word(opened, 4).word(some.length, 2);
        for (const name of some) walk.text(name);
        const walked = send(messages.walk, walk).word(2);
        // Where it stopped on the way, there is no fid.
        if (walked < some.length) throw new Refused(2);
        from = opened;
      } while (names.length > 0);
      return use();
    } finally {
      if (from === opened) send(messages.clunk, new Writer().word(opened, 4));
    }
  }

  function attributes(): { readonly kind: number; readonly bytes: number } {
    const reader = send(messages.getattr, new Writer().word(opened, 4).word(attributesWanted, 8));
    const kind = reader.skip(8 + 13).word(4) & modes.kind;
    // Owners, links, device.
    return { kind, bytes: Number(reader.skip(4 + 4 + 8 + 8).long()) };
  }

  const open = () => send(messages.lopen, new Writer().word(opened, 4).word(0, 4));
  const dataMost = () => most - headerBytes;
  const piece = (type: number, offset: bigint) => {
    const reader = send(type, new Writer().word(opened, 4).long(offset).word(dataMost(), 4));
    return new Reader(view(reader.bytes(reader.word(4))));
  };

  function list(): string[] {
    open();
    const names: string[] = [];
    let entries = 0;
    for (let offset = 0n; ; ) {
      const reader = piece(messages.readdir, offset);
      if (reader.left === 0) return names.sort();
      while (reader.left > 0) {
        const next = reader.skip(13).long();
        const name = reader.skip(1).text();
        if (name === '' || name.includes('/') || name.includes('\0')) throw broken('a file without a proper name');
        if (name !== '.' && name !== '..') names.push(name);
        // Offsets are the host's own and in no order.
        offset = next;
        if (++entries > namesMost) throw failure('EIO', `a folder has more than ${namesMost} files.`);
      }
    }
  }

  function readAll(): Uint8Array<ArrayBuffer> {
    const { kind, bytes } = attributes();
    // A pipe would be read without end.
    if (kind !== modes.file) throw new Refused(kind === modes.link ? 40 : 13);
    if (bytes > fileMost) throw failure('EFBIG', `a file has more than ${fileMost} bytes.`);
    open();
    const whole = new Uint8Array(bytes);
    for (let offset = 0; offset < bytes; ) {
      const data = piece(messages.read, BigInt(offset));
      const count = Math.min(data.left, bytes - offset);
      // It has become shorter since.
      if (count === 0) return whole.slice(0, offset);
      whole.set(data.bytes(count), offset);
      offset += count;
    }
    return whole;
  }

  const version = new Writer().word(messageMost, 4).text('9P2000.L');
  const said = send(messages.version, version);
  most = said.word(4);
  if (most < 4096 || most > messageMost) throw broken(`messages of ${most} bytes`);
  if (said.text() !== '9P2000.L') throw broken('another version');
  send(messages.attach, new Writer().word(root, 4).word(noFid, 4).text('').text('').word(noFid, 4));
  return {
    find: (path) => {
      try {
        return at(path, () => {
          const { kind, bytes } = attributes();
          if (kind === modes.folder) return { names: list() };
          return { file: path, bytes, isLink: kind === modes.link };
        });
      } catch (thrown) {
        if (thrown instanceof Refused && isMissing(thrown.number)) return undefined;
        throw asFailure(thrown);
      }
    },
    read: (path) => {
      try {
        return at(path, readAll);
      } catch (thrown) {
        if (thrown instanceof Refused && isMissing(thrown.number)) throw failure('ENOENT', 'no such file or directory');
        throw asFailure(thrown);
      }
    },
  };
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function asFailure(thrown: unknown): unknown {
  if (!(thrown instanceof Refused)) return thrown;
  const [code, words] = errors[thrown.number] ?? ['EIO', `the shared folder gave the error ${thrown.number}`];
  return failure(code, words);
}

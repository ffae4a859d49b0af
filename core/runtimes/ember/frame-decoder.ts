/** Decodes the data from an Ember guest: bytes in, checked frames out. */
import { FirstlightError } from '#shared/errors.ts';
import {
  type ErrorFrame,
  frameTypes,
  type GuestFrame,
  type GuestHeap,
  type GuestMark,
  guestErrorCodes,
  headerBytes,
  maxBodyBytes,
  protocolVersion,
  type ResponseFrame,
} from './channel.ts';
import { linearPageBytes, markNames } from './layout.ts';

const fixedBytes = 40;
const markBytes = 16;
/** A guest takes eleven marks; more than this is not Ember speaking. */
const maxMarks = 64;
/**
 * Counters beyond this count as this: more than a day of the fastest processor, and at ten nanoseconds a tick, the most
 * a clock is fitted with, still whole nanoseconds in a double. Not refused: an instance that is kept may run for
 * longer, and its counter then has no use, since a timeline covers the first minutes.
 */
export const maxTicks = 2n ** 49n;
const bodyKinds = ['none', 'json', 'text', 'bytes'] as const;
const utf8 = new TextDecoder('utf-8');

/** Turns the channel's bytes into frames, in pieces of any size. */
export interface FrameDecoder {
  /**
   * The frames completed by these bytes.
   *
   * Errors: CHANNEL_BROKEN when the guest breaks the protocol; the decoder is then unusable.
   */
  push(chunk: Uint8Array): GuestFrame[];
}

function broken(what: string): FirstlightError {
  return new FirstlightError('CHANNEL_BROKEN', `The guest broke the invocation protocol: ${what}.`, {
    hint: 'Rebuild the function. If it happens again, the console shows what the guest was doing.',
  });
}

/** A decoder for one connection to one guest. */
export function createFrameDecoder(): FrameDecoder {
  const header = new Uint8Array(headerBytes);
  const headerView = new DataView(header.buffer);
  let headerFill = 0;
  let body: Uint8Array | undefined;
  let bodyFill = 0;

  return {
    push(chunk) {
      const frames: GuestFrame[] = [];
      let at = 0;
      while (at < chunk.length || (body !== undefined && bodyFill === body.length)) {
        if (body === undefined) {
          const take = Math.min(headerBytes - headerFill, chunk.length - at);
          header.set(chunk.subarray(at, at + take), headerFill);
          at += take;
          headerFill += take;
          if (headerFill < headerBytes) break;
          const length = headerView.getUint32(0, true);
          if (header[5] !== protocolVersion) throw broken(`version ${header[5]} in place of ${protocolVersion}`);
          if (length > maxBodyBytes) throw broken(`a frame of ${length} bytes`);
          body = new Uint8Array(length);
          bodyFill = 0;
        }
        const take = Math.min(body.length - bodyFill, chunk.length - at);
        body.set(chunk.subarray(at, at + take), bodyFill);
        at += take;
        bodyFill += take;
        if (bodyFill === body.length) {
          frames.push(decodeFrame(header[4] ?? 0, headerView.getUint32(8, true), body));
          body = undefined;
          headerFill = 0;
        }
      }
      return frames;
    },
  };
}

function decodeFrame(type: number, id: number, body: Uint8Array): GuestFrame {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (type === frameTypes.pong) {
    if (body.length !== 32) throw broken(`a PONG of ${body.length} bytes`);
    return {
      type: 'pong',
      id,
      hostNs: view.getBigUint64(0, true),
      tscReceived: readTicks(view, 8),
      tscSent: readTicks(view, 16),
      tscHz: view.getBigUint64(24, true),
    };
  }
  if (type !== frameTypes.hello && type !== frameTypes.response && type !== frameTypes.error) {
    throw broken(`frame type ${type}`);
  }
  if (body.length < fixedBytes) throw broken(`a frame of type ${type} with ${body.length} bytes`);
  const marks = readMarks(view);
  const clock = { tscNow: readTicks(view, 0), tscHz: view.getBigUint64(8, true), heap: readHeap(view), marks };
  const rest = body.subarray(fixedBytes + marks.length * markBytes);
  if (type === frameTypes.hello) {
    if (rest.length !== 0) throw broken('a HELLO with bytes after its marks');
    return {
      type: 'hello',
      version: view.getUint32(24, true),
      maxPages: view.getUint32(32, true),
      ...clock,
    };
  }
  return type === frameTypes.response
    ? { type: 'response', id, ...readResponse(view, rest), ...clock }
    : { type: 'error', id, ...readError(view, rest), ...clock };
}

function readTicks(view: DataView, at: number): bigint {
  const ticks = view.getBigUint64(at, true);
  return ticks < maxTicks ? ticks : maxTicks;
}

function readHeap(view: DataView): GuestHeap {
  const pages = view.getUint16(18, true);
  const usedBytes = view.getUint32(20, true);
  if (usedBytes > pages * linearPageBytes) throw broken(`a heap of ${usedBytes} bytes in ${pages} pages`);
  return { pages, usedBytes };
}

function readMarks(view: DataView): GuestMark[] {
  const count = view.getUint16(16, true);
  if (count > maxMarks || fixedBytes + count * markBytes > view.byteLength) throw broken(`${count} marks`);
  const marks: GuestMark[] = [];
  for (let i = 0; i < count; i++) {
    const at = fixedBytes + i * markBytes;
    const name = markNames[view.getUint16(at, true)];
    if (name === undefined) throw broken(`mark number ${view.getUint16(at, true)}`);
    marks.push({ name, tsc: readTicks(view, at + 8) });
  }
  return marks;
}

function readResponse(
  view: DataView,
  rest: Uint8Array,
): Pick<ResponseFrame, 'status' | 'headers' | 'bodyKind' | 'body'> {
  const status = view.getUint16(24, true);
  const bodyKind = bodyKinds[view.getUint8(26)];
  const headersBytes = view.getUint32(28, true);
  const bodyBytes = view.getUint32(32, true);
  if (status < 200 || status > 599) throw broken(`status ${status}`);
  if (bodyKind === undefined) throw broken(`body kind ${view.getUint8(26)}`);
  if (headersBytes + bodyBytes !== rest.length) throw broken('lengths that do not add up in a RESPONSE');
  return { status, bodyKind, headers: readHeaders(rest.subarray(0, headersBytes)), body: rest.slice(headersBytes) };
}

function readHeaders(bytes: Uint8Array): Record<string, string> {
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new FirstlightError('CHANNEL_BROKEN', 'The guest sent headers that are not JSON.', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw broken('headers that are not an object');
  const headers: Record<string, string> = Object.create(null);
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw broken(`header ${JSON.stringify(name)} that is not a string`);
    headers[name] = text;
  }
  return { ...headers };
}

function readError(
  view: DataView,
  rest: Uint8Array,
): Pick<ErrorFrame, 'code' | 'fatal' | 'name' | 'message' | 'stack'> {
  const code = guestErrorCodes[view.getUint16(24, true)];
  const nameBytes = view.getUint32(28, true);
  const messageBytes = view.getUint32(32, true);
  const stackBytes = view.getUint32(36, true);
  if (code === undefined) throw broken(`error code ${view.getUint16(24, true)}`);
  if (nameBytes + messageBytes + stackBytes !== rest.length) throw broken('lengths that do not add up in an ERROR');
  const stackAt = nameBytes + messageBytes;
  return {
    code,
    fatal: view.getUint8(26) !== 0,
    name: utf8.decode(rest.subarray(0, nameBytes)),
    message: utf8.decode(rest.subarray(nameBytes, stackAt)),
    stack: utf8.decode(rest.subarray(stackAt)),
  };
}

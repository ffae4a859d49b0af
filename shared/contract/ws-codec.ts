/**
 * The contract's messages as WebSocket frames: JSON text for control, binary for bytes.
 *
 * Shape: a binary frame is the stream's id as an unsigned 32-bit big-endian number, then the bytes. The client offers
 * two subprotocols, `webSocketProtocol` and `tokenProtocol(token)`, so that the token is in no URL and no log; the host
 * picks the first.
 */
import { type ClientMessage, type EngineMessage, engineMessageSchema } from './wire.ts';

/** The subprotocol's name; a change of framing changes the number. */
export const webSocketProtocol = 'firstlight.v1';
/** The path of the host's WebSocket. */
export const webSocketPath = '/contract';

const tokenPrefix = 'firstlight.token.';
const idBytes = 4;

/** The subprotocol that carries the token. */
export const tokenProtocol = (token: string): string => tokenPrefix + token;

/** The token among the subprotocols a client offered, or null. */
export function readTokenProtocol(offered: readonly string[]): string | null {
  return offered.find((name) => name.startsWith(tokenPrefix))?.slice(tokenPrefix.length) ?? null;
}

/** The frame of a message: a string is sent as text, bytes as binary. */
export function encodeFrame(message: ClientMessage | EngineMessage): string | Uint8Array<ArrayBuffer> {
  if (message.type !== 'data') return JSON.stringify(message);
  const frame = new Uint8Array(idBytes + message.bytes.byteLength);
  new DataView(frame.buffer).setUint32(0, message.id);
  frame.set(message.bytes, idBytes);
  return frame;
}

/** The content of a frame, not yet validated; null for a foreign frame. Shape: `bytes` is a view of the frame. */
export function decodeFrame(frame: string | Uint8Array): unknown {
  if (typeof frame === 'string') {
    try {
      return JSON.parse(frame);
    } catch {
      // Not JSON: the caller drops the connection, as for any message outside of the protocol.
      return null;
    }
  }
  if (frame.byteLength < idBytes) return null;
  const id = new DataView(frame.buffer, frame.byteOffset, idBytes).getUint32(0);
  return { type: 'data', id, bytes: frame.subarray(idBytes) };
}

/** The engine's message in a frame, validated; null when the frame contains none. */
export function decodeEngineFrame(frame: string | Uint8Array): EngineMessage | null {
  const parsed = engineMessageSchema.safeParse(decodeFrame(frame));
  return parsed.success ? parsed.data : null;
}

import type { RawData, WebSocket } from 'ws';
import type { ClientMessage, EnginePort } from '#shared/contract/wire.ts';
import { decodeFrame, encodeFrame } from '#shared/contract/ws-codec.ts';

/**
 * A client this far behind is dropped. Streams stop at 100,000 unacknowledged bytes each, so only a client that reads
 * nothing while events and results pile up gets here; it may reconnect and ask again. The longest answer has room: a run
 * whose response has 64 MiB of bytes, in base64.
 */
const maxBufferedBytes = 128 * 1024 * 1024;

/** Close codes of RFC 6455, section 7.4.1. */
const closeCodes = { protocolError: 1002, tryAgainLater: 1013 } as const;

/** The engine's port over an accepted WebSocket. */
export function createWebSocketPort(socket: WebSocket): EnginePort {
  let flushed: Promise<void> = Promise.resolve();
  return {
    send: (message) => {
      if (socket.readyState !== socket.OPEN) return;
      // It calls back with an error when the connection ends before.
      flushed = new Promise((resolve) => socket.send(encodeFrame(message), () => resolve()));
      if (socket.bufferedAmount > maxBufferedBytes) drop(socket, closeCodes.tryAgainLater, 'reads too slowly');
    },
    flushed: () => flushed,
    onMessage: (listener) => {
      socket.on('message', (data, isBinary) => {
        // The session validates this message before it acts on it.
        if (socket.readyState === socket.OPEN) listener(decodeFrame(toFrame(data, isBinary)) as ClientMessage);
      });
    },
    onClose: (listener) => {
      socket.once('close', listener);
    },
    close: () => drop(socket, closeCodes.protocolError, 'not of the protocol'),
  };
}

/** The time limit for a peer's answer to the closing handshake. */
const closeGraceMs = 1000;

/** Closes with a handshake, and ends the connection when the peer does not answer. */
export function drop(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), closeGraceMs);
  socket.once('close', () => clearTimeout(timer));
}

/** `ws` gives one Buffer per message, as its `binaryType` is left at `nodebuffer`. */
function toFrame(data: RawData, isBinary: boolean): string | Uint8Array {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
  return isBinary ? bytes : bytes.toString('utf8');
}

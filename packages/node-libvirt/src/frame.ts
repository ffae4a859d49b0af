import { LibvirtProtocolError } from './errors.ts';
import { limits } from './protocol.gen.ts';
import { XdrWriter } from './xdr.ts';

/** The six words that start every message, after the length word. */
export interface Header {
  program: number;
  version: number;
  procedure: number;
  type: number;
  serial: number;
  status: number;
}

/** Bytes of the length word and the header together. */
export const prefixBytes = limits.lengthBytes + limits.headerBytes;

/** Encodes one message: length word, header and the payload from `writePayload`. Errors: RangeError over 32 MiB. */
export function encodeMessage(header: Header, writePayload?: (w: XdrWriter) => void, expectedBytes = 256): Buffer {
  const w = new XdrWriter(expectedBytes);
  w.u32(0);
  w.u32(header.program);
  w.u32(header.version);
  w.i32(header.procedure);
  w.i32(header.type);
  w.u32(header.serial);
  w.i32(header.status);
  writePayload?.(w);
  if (w.length - limits.lengthBytes > limits.messageBytes) {
    throw new RangeError(`a message of ${w.length} bytes is over libvirt's limit of ${limits.messageBytes}`);
  }
  w.patchU32(w.length, 0);
  return w.finish();
}

/** Reads the header of a whole message as FrameSplitter returns it. */
export function decodeHeader(frame: Buffer): Header {
  return {
    program: frame.readUInt32BE(4),
    version: frame.readUInt32BE(8),
    procedure: frame.readInt32BE(12),
    type: frame.readInt32BE(16),
    serial: frame.readUInt32BE(20),
    status: frame.readInt32BE(24),
  };
}

/** Cuts a byte stream into whole messages, copying only those that arrive in pieces. */
export class FrameSplitter {
  #pieces: Buffer[] = [];
  #held = 0;
  #wanted: number = limits.lengthBytes;

  /** Calls `onFrame` for each message that `chunk` completes. Errors: LibvirtProtocolError for an impossible length. */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#held + rest.length < this.#wanted) {
        this.#pieces.push(rest);
        this.#held += rest.length;
        return;
      }
      if (this.#held > 0) {
        rest = Buffer.concat([...this.#pieces, rest], this.#held + rest.length);
        this.#pieces = [];
        this.#held = 0;
      }
      const length = checkLength(rest.readUInt32BE(0));
      if (rest.length < length) {
        this.#wanted = length;
        continue;
      }
      this.#wanted = limits.lengthBytes;
      const frame = rest.subarray(0, length);
      rest = rest.subarray(length);
      onFrame(frame);
    }
  }
}

function checkLength(length: number): number {
  if (length < prefixBytes) {
    throw new LibvirtProtocolError(`a message says it has ${length} bytes; the smallest possible has ${prefixBytes}`);
  }
  if (length - limits.lengthBytes > limits.messageBytes) {
    throw new LibvirtProtocolError(`a message says it has ${length} bytes; the limit is ${limits.messageBytes}`);
  }
  return length;
}

/** The streams of the web, by a library, with the transform streams that belong to other standards. */
import { Deflate, Gunzip, Gzip, Inflate, Unzlib, Zlib } from 'fflate';
import * as streams from 'web-streams-polyfill';

const {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} = streams;

class TextDecoderStream {
  readonly readable: unknown;
  readonly writable: unknown;
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }) {
    const decoder = new TextDecoder(label, options);
    const { readable, writable } = new TransformStream<Uint8Array, string>({
      transform: (chunk, controller) => {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== '') controller.enqueue(text);
      },
      flush: (controller) => {
        const text = decoder.decode();
        if (text !== '') controller.enqueue(text);
      },
    });
    Object.assign(this, { readable, writable });
    this.encoding = decoder.encoding;
    this.fatal = decoder.fatal;
    this.ignoreBOM = decoder.ignoreBOM;
  }
}

class TextEncoderStream {
  readonly readable: unknown;
  readonly writable: unknown;
  readonly encoding = 'utf-8';
  constructor() {
    const encoder = new TextEncoder();
    let high = '';
    const { readable, writable } = new TransformStream<string, Uint8Array>({
      transform: (chunk, controller) => {
        let text = high + String(chunk);
        high = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : '';
        if (high !== '') text = text.slice(0, -1);
        if (text !== '') controller.enqueue(encoder.encode(text));
      },
      flush: (controller) => {
        if (high !== '') controller.enqueue(encoder.encode(high));
      },
    });
    Object.assign(this, { readable, writable });
  }
}

interface Flow {
  push(chunk: Uint8Array, final?: boolean): void;
  ondata: (chunk: Uint8Array, final: boolean) => void;
}
type Flows = Record<string, new () => Flow>;

function flowStream(kinds: Flows, format: string) {
  const kind = kinds[format];
  if (kind === undefined)
    throw new TypeError(`The format is one of ${Object.keys(kinds).join(', ')}, not '${format}'.`);
  const flow = new kind();
  const { readable, writable } = new TransformStream<ArrayBuffer | ArrayBufferView, Uint8Array>({
    start: (controller) => {
      flow.ondata = (chunk) => {
        if (chunk.length > 0) controller.enqueue(chunk);
      };
    },
    transform: (chunk) => {
      const bytes = ArrayBuffer.isView(chunk)
        ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : new Uint8Array(chunk);
      // Copied: the library keeps a reference to its argument.
      guard(() => flow.push(bytes.slice()));
    },
    flush: () => guard(() => flow.push(new Uint8Array(), true)),
  });
  return { readable, writable };

  function guard(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      throw new TypeError(`The data is not ${format}: ${thrown instanceof Error ? thrown.message : thrown}`);
    }
  }
}

class CompressionStream {
  constructor(format: string) {
    Object.assign(this, flowStream({ gzip: Gzip, deflate: Zlib, 'deflate-raw': Deflate } as unknown as Flows, format));
  }
  get [Symbol.toStringTag](): string {
    return 'CompressionStream';
  }
}
class DecompressionStream {
  constructor(format: string) {
    Object.assign(
      this,
      flowStream({ gzip: Gunzip, deflate: Unzlib, 'deflate-raw': Inflate } as unknown as Flows, format),
    );
  }
  get [Symbol.toStringTag](): string {
    return 'DecompressionStream';
  }
}

Object.assign(globalThis, {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
  TextDecoderStream,
  TextEncoderStream,
  CompressionStream,
  DecompressionStream,
});

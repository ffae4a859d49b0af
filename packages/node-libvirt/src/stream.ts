import { Duplex } from 'node:stream';
import { LibvirtConnectionError } from './errors.ts';
import type { StreamSink } from './pending-call.ts';
import { limits, MessageStatus } from './protocol.gen.ts';
import type { CallSpec } from './protocol-types.ts';
import type { Session } from './session.ts';

type StreamCall = Pick<CallSpec<never, never>, 'program' | 'version' | 'number'>;

/**
 * A console or channel of a domain as a Node Duplex.
 *
 * It has a connection to the daemon of its own: a reader that stops reading holds the daemon (and so the guest) back
 * without holding up calls and events, and a flood of output cannot delay an event. `end()` finishes the stream in both
 * directions, since libvirt has no half-close; `destroy()` aborts it. Errors: the 'error' event carries LibvirtError
 * when the daemon ends the stream with an error, LibvirtConnectionError when the connection is lost.
 */
export class LibvirtStream extends Duplex {
  readonly #session: Session;
  readonly #spec: StreamCall;
  #serial: number | undefined;
  #finished = false;
  #receivedAtNs: bigint | undefined;
  #firstByteAtNs: bigint | undefined;

  private constructor(session: Session, spec: StreamCall) {
    super({ allowHalfOpen: true });
    this.#session = session;
    this.#spec = spec;
  }

  /** Makes the opening call on a session that is this stream's alone. */
  static async open<Args>(
    session: Session,
    spec: CallSpec<Args, void>,
    args: Args,
    options: Parameters<Session['openStream']>[3],
  ): Promise<LibvirtStream> {
    const stream = new LibvirtStream(session, spec);
    try {
      stream.#serial = await session.openStream(spec, args, stream.#sink(), options);
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** When the newest bytes reached this process; in a 'data' listener, when those bytes did. Units: hrtime ns. */
  get receivedAtNs(): bigint | undefined {
    return this.#receivedAtNs;
  }

  /** When the first byte reached this process. Units: hrtime nanoseconds. */
  get firstByteAtNs(): bigint | undefined {
    return this.#firstByteAtNs;
  }

  #sink(): StreamSink {
    return {
      onData: (data, receivedAtNs) => {
        if (data.length === 0) {
          this.#endOfData();
          return;
        }
        this.#receivedAtNs = receivedAtNs;
        this.#firstByteAtNs ??= receivedAtNs;
        // After our finish only what was under way still comes, and the confirmation behind it must be heard.
        if (!this.push(data) && !this.writableEnded) this.#session.setFlowing(false);
      },
      onConfirmed: () => {
        this.#finished = true;
        this.push(null);
        this.#closeSession();
      },
      onError: (error) => {
        this.#finished = true;
        this.destroy(error);
      },
    };
  }

  /** The guest's end is closed: hand on the end, and finish our side so that the daemon lets the stream go. */
  #endOfData(): void {
    this.push(null);
    if (!this.writableEnded) this.end();
  }

  override _read(): void {
    this.#session.setFlowing(true);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const serial = this.#serial;
    if (serial === undefined) {
      callback(new LibvirtConnectionError('closed', 'the stream is not open'));
      return;
    }
    const sendFrom = (start: number) => {
      const end = Math.min(start + limits.streamPayloadBytes, chunk.length);
      this.#session.sendStream(this.#spec, serial, MessageStatus.CONTINUE, chunk.subarray(start, end), (error) => {
        if (error || end >= chunk.length) callback(error);
        else sendFrom(end);
      });
    };
    // No bytes at all would read as the end of the data.
    if (chunk.length === 0) callback();
    else sendFrom(0);
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#finished || this.#serial === undefined) callback();
    else this.#session.sendStream(this.#spec, this.#serial, MessageStatus.OK, new Uint8Array(), callback);
    // The confirmation must be heard even when nobody reads any more.
    this.#session.setFlowing(true);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Closing the connection is how the daemon hears of an abort: it drops every stream of a client that left.
    this.#finished = true;
    this.#closeSession();
    callback(error);
  }

  #closeSession(): void {
    this.#session.destroy(new LibvirtConnectionError('closed', 'the stream was closed'));
  }
}

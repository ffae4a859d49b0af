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
 * It has its own connection to the daemon: a reader that stops reading slows down the daemon (and so the guest)
 * without delaying calls and events, and a flood of output cannot delay an event. `end()` finishes the stream in both
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

  /** Makes the opening call on a session that only this stream uses. */
  static async open<Args>(
    session: Session,
    spec: CallSpec<Args, void>,
    args: Args,
    options: Parameters<Session['openStream']>[3],
  ): Promise<LibvirtStream> {
    const stream = new LibvirtStream(session, spec);
    try {
      await session.openStream(spec, args, stream.#sink(), options);
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** The time when the newest bytes reached this process, or those of a 'data' listener. Units: hrtime ns. */
  get receivedAtNs(): bigint | undefined {
    return this.#receivedAtNs;
  }

  /** The time when the first byte reached this process. Units: hrtime nanoseconds. */
  get firstByteAtNs(): bigint | undefined {
    return this.#firstByteAtNs;
  }

  #sink(): StreamSink {
    return {
      onOpened: (serial) => {
        this.#serial = serial;
      },
      onData: (data, receivedAtNs) => {
        if (data.length === 0) {
          this.#endOfData();
          return;
        }
        this.#receivedAtNs = receivedAtNs;
        this.#firstByteAtNs ??= receivedAtNs;
        // After our finish only data in transit still arrives, and the confirmation behind it must be read.
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

  /** The guest's end is closed: passes the end on, and finishes our side so that the daemon releases the stream. */
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
    // An empty message would mean the end of the data.
    if (chunk.length === 0) callback();
    else sendFrom(0);
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#finished || this.#serial === undefined) callback();
    else this.#session.sendStream(this.#spec, this.#serial, MessageStatus.OK, new Uint8Array(), callback);
    // The confirmation must be received even without a reader.
    this.#session.setFlowing(true);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // The closed connection reports the abort to the daemon: it drops every stream of a disconnected client.
    this.#finished = true;
    this.#closeSession();
    callback(error);
  }

  #closeSession(): void {
    this.#session.destroy(new LibvirtConnectionError('closed', 'the stream was closed'));
  }
}

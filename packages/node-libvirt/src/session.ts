import type { Duplex } from 'node:stream';
import type { CallOptions } from './call-options.ts';
import { LibvirtConnectionError, LibvirtProtocolError } from './errors.ts';
import { decodeHeader, encodeMessage, FrameSplitter, type Header, prefixBytes } from './frame.ts';
import { Keepalive, type KeepaliveOptions } from './keepalive.ts';
import { toLibvirtError } from './names.ts';
import { PendingCall, type StreamSink } from './pending-call.ts';
import { allEvents, limits, MessageStatus, MessageType, programs, readRemoteError } from './protocol.gen.ts';
import type { CallSpec } from './protocol-types.ts';
import { XdrReader } from './xdr.ts';

/** An event as received from the wire. */
export interface WireEvent {
  name: string;
  fields: unknown;
  receivedAtNs: bigint;
}

/** The notifications of a session to its owner. */
export interface SessionHandlers {
  onEvent(event: WireEvent): void;
  /** Called once, when the session has ended for any reason. */
  onClosed(error: LibvirtConnectionError): void;
}

const eventSpecs = new Map(allEvents.map((spec) => [`${spec.program}:${spec.number}`, spec]));

/** One wire connection: sends calls, matches replies, hands out events and stream data, and answers pings. */
export class Session {
  readonly #duplex: Duplex;
  readonly #handlers: SessionHandlers;
  readonly #splitter = new FrameSplitter();
  readonly #pending = new Map<number, PendingCall>();
  readonly #queue: PendingCall[] = [];
  readonly #streams = new Map<number, { sink: StreamSink; spec: CallSpec<never, unknown> }>();
  readonly #keepalive: Keepalive;
  #serial = 1;
  #receivedAtNs = 0n;
  #ended: LibvirtConnectionError | undefined;

  constructor(duplex: Duplex, handlers: SessionHandlers) {
    this.#duplex = duplex;
    this.#handlers = handlers;
    this.#keepalive = new Keepalive(
      (procedure) => this.#sendKeepalive(procedure),
      (message) => this.destroy(new LibvirtConnectionError('keepalive-timeout', message)),
    );
    duplex.on('data', (chunk: Buffer) => this.#onData(chunk));
    duplex.on('end', () => this.destroy(disconnected('the libvirt daemon closed the connection')));
    duplex.on('close', () => this.destroy(disconnected('the connection to the libvirt daemon closed')));
    duplex.on('error', (cause) =>
      // A transport explains its own end.
      this.destroy(
        cause instanceof LibvirtConnectionError
          ? cause
          : disconnected(`the connection failed: ${cause.message}`, cause),
      ),
    );
  }

  get ended(): LibvirtConnectionError | undefined {
    return this.#ended;
  }

  /** Starts our own pings. */
  startKeepalive(options: KeepaliveOptions): void {
    this.#keepalive.start(options);
  }

  /** Makes one call and resolves with its result. */
  call<Args, Ret>(spec: CallSpec<Args, Ret>, args: Args, options: CallOptions = {}): Promise<Ret> {
    return this.#enqueue(spec, args, options, undefined) as Promise<Ret>;
  }

  /** Makes a call that opens a stream; resolves with the stream's serial. `sink` gets its messages from then on. */
  openStream<Args>(spec: CallSpec<Args, void>, args: Args, sink: StreamSink, options: CallOptions): Promise<number> {
    return this.#enqueue(spec, args, options, sink) as Promise<number>;
  }

  /** Sends one stream message; `done` runs when the socket has taken it. */
  sendStream(
    spec: Pick<CallSpec<never, never>, 'program' | 'version' | 'number'>,
    serial: number,
    status: number,
    data: Uint8Array,
    done: (error?: Error | null) => void,
  ): void {
    if (this.#ended) {
      done(this.#ended);
      return;
    }
    const header = {
      program: spec.program,
      version: spec.version,
      procedure: spec.number,
      type: MessageType.STREAM,
      serial,
      status,
    };
    this.#duplex.write(
      encodeMessage(header, (w) => w.bytes(data), prefixBytes + data.length),
      done,
    );
  }

  /** Stops or restarts reading from the socket: a slow reader of a stream slows the server down this way. */
  setFlowing(flowing: boolean): void {
    if (this.#ended) return;
    if (flowing) this.#duplex.resume();
    else this.#duplex.pause();
  }

  /** Ends the session. All pending calls fail with `error`; only the first call of this method counts. */
  destroy(error: LibvirtConnectionError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#keepalive.stop();
    const calls = [...this.#pending.values(), ...this.#queue.splice(0)];
    const streams = [...this.#streams.values()];
    this.#pending.clear();
    this.#streams.clear();
    this.#duplex.destroy();
    for (const call of calls) call.reject(error);
    for (const { sink } of streams) sink.onError(error);
    this.#handlers.onClosed(error);
  }

  #enqueue<Args, Ret>(
    spec: CallSpec<Args, Ret>,
    args: Args,
    options: CallOptions,
    sink: StreamSink | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
      options.signal?.throwIfAborted();
      const message = (serial: number) => encodeMessage(callHeader(spec, serial), (w) => spec.writeArgs(w, args));
      const call = new PendingCall(spec as CallSpec<never, unknown>, options, message, sink, { resolve, reject });
      call.onGiveUp(() => {
        const queued = this.#queue.indexOf(call);
        if (queued >= 0) this.#queue.splice(queued, 1);
      });
      if (this.#pending.size < limits.requestsInFlight) this.#send(call);
      else this.#queue.push(call);
    });
  }

  #send(call: PendingCall): void {
    const serial = this.#serial;
    let message: Buffer;
    try {
      message = call.message(serial);
    } catch (error) {
      call.reject(error);
      this.#sendNext();
      return;
    }
    // Serial 0 belongs to events, so the counter wraps to 1.
    this.#serial = serial === 0xffffffff ? 1 : serial + 1;
    this.#pending.set(serial, call);
    if (call.options.timing) call.options.timing.sentAtNs = process.hrtime.bigint();
    this.#duplex.write(message);
  }

  #sendNext(): void {
    if (this.#pending.size >= limits.requestsInFlight) return;
    const next = this.#queue.shift();
    if (next) this.#send(next);
  }

  #onData(chunk: Buffer): void {
    this.#receivedAtNs = process.hrtime.bigint();
    this.#keepalive.heard();
    try {
      this.#splitter.push(chunk, (frame) => {
        if (!this.#ended) this.#onFrame(frame);
      });
    } catch (error) {
      if (!(error instanceof LibvirtProtocolError)) throw error;
      this.destroy(error);
    }
  }

  #onFrame(frame: Buffer): void {
    const header = decodeHeader(frame);
    switch (header.type) {
      case MessageType.REPLY:
        this.#onReply(header, frame);
        break;
      case MessageType.MESSAGE:
        this.#onMessage(header, frame);
        break;
      case MessageType.STREAM:
        this.#onStream(header, frame);
        break;
      default:
        throw new LibvirtProtocolError(`the server sent a message of type ${header.type}, which no client expects`);
    }
  }

  #onReply(header: Header, frame: Buffer): void {
    const call = this.#pending.get(header.serial);
    if (!call || call.spec.number !== header.procedure || call.spec.program !== header.program) {
      throw new LibvirtProtocolError(
        `a reply to procedure ${header.procedure}, serial ${header.serial}, answers no call`,
      );
    }
    const r = new XdrReader(frame, prefixBytes);
    if (header.status === MessageStatus.OK) {
      const value = call.spec.readRet(r);
      r.end(`the reply to ${call.spec.name}`);
      if (call.sink) {
        this.#streams.set(header.serial, { sink: call.sink, spec: call.spec });
        call.sink.onOpened(header.serial);
      }
      this.#finish(header.serial, call, () => call.resolve(call.sink ? header.serial : value));
      for (const early of call.early) if (!this.#ended) this.#onStream(decodeHeader(early), early);
    } else if (header.status === MessageStatus.ERROR) {
      const error = toLibvirtError(readRemoteError(r), call.spec.name);
      this.#finish(header.serial, call, () => call.reject(error));
    } else {
      throw new LibvirtProtocolError(`the reply to ${call.spec.name} has status ${header.status}`);
    }
  }

  #finish(serial: number, call: PendingCall, answer: () => void): void {
    this.#pending.delete(serial);
    if (call.options.timing) call.options.timing.receivedAtNs = this.#receivedAtNs;
    answer();
    this.#sendNext();
  }

  #onMessage(header: Header, frame: Buffer): void {
    const spec = eventSpecs.get(`${header.program}:${header.procedure}`);
    if (!spec) {
      throw new LibvirtProtocolError(
        `the server sent event ${header.procedure} of program 0x${header.program.toString(16)}, which was not asked for`,
      );
    }
    const r = new XdrReader(frame, prefixBytes);
    const fields = spec.read(r);
    r.end(`event ${spec.name}`);
    if (spec.program === programs.keepalive.number) this.#keepalive.received(spec.number);
    else this.#handlers.onEvent({ name: spec.name, fields, receivedAtNs: this.#receivedAtNs });
  }

  #onStream(header: Header, frame: Buffer): void {
    const opening = this.#pending.get(header.serial);
    if (opening?.sink && opening.spec.number === header.procedure && opening.spec.program === header.program) {
      opening.early.push(frame);
      return;
    }
    const stream = this.#streams.get(header.serial);
    if (!stream || stream.spec.number !== header.procedure || stream.spec.program !== header.program) {
      throw new LibvirtProtocolError(`stream data for serial ${header.serial}, where no stream is open`);
    }
    if (header.status === MessageStatus.CONTINUE) {
      stream.sink.onData(frame.subarray(prefixBytes), this.#receivedAtNs);
      return;
    }
    this.#streams.delete(header.serial);
    if (header.status === MessageStatus.OK) stream.sink.onConfirmed();
    else if (header.status === MessageStatus.ERROR) {
      stream.sink.onError(toLibvirtError(readRemoteError(new XdrReader(frame, prefixBytes)), stream.spec.name));
    } else throw new LibvirtProtocolError(`a stream message has status ${header.status}`);
  }

  #sendKeepalive(procedure: number): void {
    const { number, version } = programs.keepalive;
    this.#duplex.write(
      encodeMessage({
        program: number,
        version,
        procedure,
        type: MessageType.MESSAGE,
        serial: 0,
        status: MessageStatus.OK,
      }),
    );
  }
}

function callHeader(spec: Pick<CallSpec<never, never>, 'program' | 'version' | 'number'>, serial: number): Header {
  return {
    program: spec.program,
    version: spec.version,
    procedure: spec.number,
    type: MessageType.CALL,
    serial,
    status: MessageStatus.OK,
  };
}

function disconnected(message: string, cause?: unknown): LibvirtConnectionError {
  return new LibvirtConnectionError('disconnected', message, { cause });
}

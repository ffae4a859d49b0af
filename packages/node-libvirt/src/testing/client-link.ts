import type { Socket } from 'node:net';
import { decodeHeader, encodeMessage, FrameSplitter, type Header, prefixBytes } from '../frame.ts';
import * as protocol from '../protocol.gen.ts';
import type { CallSpec, EventSpec } from '../protocol-types.ts';
import { XdrReader, type XdrWriter } from '../xdr.ts';
import type { FakePort } from './fake-domain.ts';
import type { Fault } from './faults.ts';

/** An error that the fake server reports to its client. */
export class FakeError extends Error {
  readonly code: number;
  readonly domain: number;

  constructor(code: number, message: string, domain: number = protocol.ErrorDomain.VIR_FROM_QEMU) {
    super(message);
    this.code = code;
    this.domain = domain;
  }
}

/** The fake server's services for its links. */
export interface LinkOwner {
  /** Answers a call; a FakePort opens a stream to it. Throws FakeError to report an error. */
  answer(link: ClientLink, call: AnyCall, args: unknown): Promise<unknown> | unknown;
  /** Gets every call as it arrives; returns the fault for it, if one is due. */
  takeFault(call: string): Fault | undefined;
  closed(link: ClientLink): void;
}

export type AnyCall = CallSpec<never, unknown>;

const callSpecs = new Map(
  protocol.allCalls.map((spec) => [`${spec.program}:${spec.number}`, spec as unknown as AnyCall]),
);

/** The server's side of one client connection. */
export class ClientLink {
  readonly socket: Socket;
  readonly #owner: LinkOwner;
  readonly #splitter = new FrameSplitter();
  readonly #streams = new Map<number, { port: FakePort; header: Header; detach: () => void }>();
  /** Event kinds this client registered for, by callback id. */
  readonly callbacks = new Map<number, number | 'monitor'>();
  /** UUIDs of domains that end with this client. */
  readonly autodestroy = new Set<string>();
  nextCallbackId = 1;

  constructor(socket: Socket, owner: LinkOwner) {
    this.socket = socket;
    this.#owner = owner;
    socket.on('data', (chunk: Buffer) => this.#splitter.push(chunk, (frame) => this.#onFrame(frame)));
    // Some tests need a client that disconnects during a write; 'close' follows and does the work.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { detach } of this.#streams.values()) detach();
      this.#streams.clear();
      owner.closed(this);
    });
  }

  /** Sends an event. */
  sendEvent<Fields>(spec: EventSpec<Fields>, fields: Fields): void {
    this.#send({ ...idOf(spec), type: protocol.MessageType.MESSAGE, serial: 0, status: 0 }, (w) =>
      spec.write(w, fields),
    );
  }

  #send(header: Header, writePayload?: (w: XdrWriter) => void): boolean {
    return this.socket.destroyed || this.socket.write(encodeMessage(header, writePayload));
  }

  #onFrame(frame: Buffer): void {
    const header = decodeHeader(frame);
    if (header.program === protocol.programs.keepalive.number) {
      if (header.procedure === protocol.keepalivePingEvent.number)
        this.sendEvent(protocol.keepalivePongEvent, undefined);
    } else if (header.type === protocol.MessageType.STREAM) {
      this.#onStream(header, frame.subarray(prefixBytes));
    } else {
      void this.#onCall(header, frame);
    }
  }

  async #onCall(header: Header, frame: Buffer): Promise<void> {
    const spec = callSpecs.get(`${header.program}:${header.procedure}`);
    const reply = { ...header, type: protocol.MessageType.REPLY };
    if (!spec) {
      this.#sendError(reply, new FakeError(protocol.ErrorCode.VIR_ERR_RPC, `unknown procedure: ${header.procedure}`));
      return;
    }
    const r = new XdrReader(frame, prefixBytes);
    const args = spec.readArgs(r);
    const fault = this.#owner.takeFault(spec.name);
    if (fault && !(await this.#strike(fault, reply))) return;
    try {
      const result = await this.#owner.answer(this, spec, args);
      if (fault?.kind === 'truncated') {
        this.#send(reply, (w) => w.u32(0xffff));
        return;
      }
      this.#send(reply, (w) => (spec as CallSpec<never, unknown>).writeRet(w, spec.stream ? undefined : result));
      if (spec.stream) this.#openStream(header, result as FakePort);
    } catch (error) {
      if (!(error instanceof FakeError)) throw error;
      this.#sendError(reply, error);
    }
  }

  /** Carries out a fault; true when the call is still to be answered. */
  async #strike(fault: Fault, reply: Header): Promise<boolean> {
    switch (fault.kind) {
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        return true;
      case 'truncated':
        return true;
      case 'error':
        this.#sendError(reply, new FakeError(fault.code, fault.message, fault.domain));
        return false;
      case 'drop':
        this.socket.destroy();
        return false;
      case 'malformed':
        this.#send({ ...reply, serial: 0x7fffffff, type: 9 });
        return false;
      case 'oversized': {
        const message = encodeMessage(reply);
        message.writeUInt32BE(0x7fffffff, 0);
        this.socket.write(message);
        return false;
      }
      case 'silence':
        return false;
    }
  }

  #sendError(header: Header, error: FakeError): void {
    const none = { dom: null, str1: null, str2: null, str3: null, int1: -1, int2: -1, net: null };
    const { code, domain, message } = error;
    this.#send({ ...header, status: protocol.MessageStatus.ERROR }, (w) =>
      protocol.writeRemoteError(w, { code, domain, message, level: protocol.ErrorLevel.ERROR, ...none }),
    );
  }

  #openStream(header: Header, port: FakePort): void {
    const message = { ...header, type: protocol.MessageType.STREAM };
    const detach = port.attach({
      data: (bytes) => this.#send({ ...message, status: protocol.MessageStatus.CONTINUE }, (w) => w.bytes(bytes)),
      end: () => this.#send({ ...message, status: protocol.MessageStatus.CONTINUE }),
      fail: (code, text) => {
        this.#streams.delete(header.serial);
        this.#sendError(message, new FakeError(code, text, protocol.ErrorDomain.VIR_FROM_STREAMS));
      },
      drained: () => new Promise((resolve) => this.socket.once('drain', resolve)),
    });
    this.#streams.set(header.serial, { port, header, detach });
  }

  #onStream(header: Header, data: Buffer): void {
    const stream = this.#streams.get(header.serial);
    // Data may cross the end of its stream; libvirt drops it, too.
    if (!stream) return;
    if (header.status === protocol.MessageStatus.CONTINUE) {
      stream.port.receive(data);
      return;
    }
    this.#streams.delete(header.serial);
    stream.detach();
    this.#send({ ...header, status: protocol.MessageStatus.OK });
  }
}

function idOf(spec: { program: number; version: number; number: number }) {
  return { program: spec.program, version: spec.version, procedure: spec.number };
}

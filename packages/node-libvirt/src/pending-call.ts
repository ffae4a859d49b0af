import type { CallOptions } from './call-options.ts';
import { LibvirtTimeoutError } from './errors.ts';
import type { CallSpec } from './protocol-types.ts';

/** The receiver of the messages of one stream. */
export interface StreamSink {
  /** The server has opened the stream. Its messages follow. */
  onOpened(serial: number): void;
  /** Bytes from the server; an empty array means the end of the other side's data. */
  onData(data: Buffer, receivedAtNs: bigint): void;
  /** The server confirms the finish or the abort; no more messages follow. */
  onConfirmed(): void;
  onError(error: Error): void;
}

/** A call between its making and its answer. Only the first of resolving, rejecting and giving up counts. */
export class PendingCall {
  readonly spec: CallSpec<never, unknown>;
  readonly options: CallOptions;
  /** Encodes the call, once its serial is known. */
  readonly message: (serial: number) => Buffer;
  /** For a call that opens a stream: the receiver of its messages. */
  readonly sink: StreamSink | undefined;
  /** Frames of the stream that came before the reply: libvirtd's event loop sends them while a worker still replies. */
  readonly early: Buffer[] = [];
  readonly #promise: { resolve: (value: unknown) => void; reject: (error: unknown) => void };
  #stopWatching: (() => void) | undefined;
  #waiting = true;

  constructor(
    spec: CallSpec<never, unknown>,
    options: CallOptions,
    message: (serial: number) => Buffer,
    sink: StreamSink | undefined,
    promise: { resolve: (value: unknown) => void; reject: (error: unknown) => void },
  ) {
    this.spec = spec;
    this.options = options;
    this.message = message;
    this.sink = sink;
    this.#promise = promise;
    if (options.timing) options.timing.queuedAtNs = process.hrtime.bigint();
  }

  resolve(value: unknown): void {
    if (this.#settle()) this.#promise.resolve(value);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#promise.reject(error);
  }

  /** Watches the caller's signal and timeout. Both only end the wait: the protocol has no cancel. */
  onGiveUp(tellOwner: () => void): void {
    const { signal, timeoutMs } = this.options;
    if (!signal && timeoutMs === undefined) return;
    const giveUp = (error: unknown) => {
      tellOwner();
      this.reject(error);
    };
    const onAbort = () => giveUp(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => giveUp(new LibvirtTimeoutError(this.spec.name, timeoutMs)), timeoutMs);
    this.#stopWatching = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  }

  #settle(): boolean {
    const first = this.#waiting;
    this.#waiting = false;
    this.#stopWatching?.();
    return first;
  }
}

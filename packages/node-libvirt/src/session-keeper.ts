import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtConnectionError } from './errors.ts';
import type { Session, SessionHandlers, WireEvent } from './session.ts';

/** The attempts after the connection is lost. The wait doubles from `firstDelayMs` to `maxDelayMs`. */
export interface ReconnectOptions {
  firstDelayMs: number;
  maxDelayMs: number;
  attempts: number;
}

/** The notifications of a keeper to its owner. */
export interface KeeperHandlers {
  onEvent(event: WireEvent): void;
  /** Makes a fresh session ready before it counts as open. */
  prepare(session: Session): Promise<void>;
  onDisconnected(error: LibvirtConnectionError): void;
  onReopened(downMs: number): void;
  /** Reopening failed, or is off. */
  onGivenUp(error: LibvirtConnectionError): void;
}

// A session that lived this long proves a healthy daemon: the next loss starts with short waits again.
const stableAfterMs = 5_000;

/** Keeps one session open: opens another when it is lost, within the limits of the options. */
export class SessionKeeper {
  readonly #openSession: (handlers: SessionHandlers, signal: AbortSignal | undefined) => Promise<Session>;
  readonly #reconnect: ReconnectOptions | false;
  readonly #handlers: KeeperHandlers;
  readonly #stopping = new AbortController();
  #session: Session | undefined;
  #openedAtMs = 0;
  #attempt = 0;
  #down: LibvirtConnectionError | undefined;

  constructor(
    open: (handlers: SessionHandlers, signal: AbortSignal | undefined) => Promise<Session>,
    reconnect: ReconnectOptions | false,
    handlers: KeeperHandlers,
  ) {
    this.#openSession = open;
    this.#reconnect = reconnect;
    this.#handlers = handlers;
  }

  /** The open session, if there is one now. */
  get current(): Session | undefined {
    return this.#session;
  }

  /** True after `stop()`, and after giving up. */
  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The open session. Errors: LibvirtConnectionError, with the end of the last session as its cause. */
  require(): Session {
    if (this.#session) return this.#session;
    if (this.#down?.reason === 'closed') throw this.#down;
    throw new LibvirtConnectionError('disconnected', 'there is no connection to the libvirt daemon', {
      cause: this.#down,
    });
  }

  async open(signal?: AbortSignal): Promise<void> {
    let opened: Session | undefined;
    const session = await this.#openSession(
      {
        onEvent: (event) => this.#handlers.onEvent(event),
        onClosed: (error) => {
          if (opened !== undefined && opened === this.#session) this.#onLost(error);
        },
      },
      signal,
    );
    opened = session;
    try {
      await this.#handlers.prepare(session);
      if (session.ended) throw session.ended;
      this.#stopping.signal.throwIfAborted();
    } catch (error) {
      session.destroy(new LibvirtConnectionError('closed', 'opening the connection failed', { cause: error }));
      throw error;
    }
    this.#session = session;
    this.#openedAtMs = performance.now();
    this.#down = undefined;
  }

  /** Releases the session, which the caller ends, and opens no other. */
  stop(error: LibvirtConnectionError): Session | undefined {
    this.#stopping.abort();
    this.#down = error;
    const session = this.#session;
    this.#session = undefined;
    return session;
  }

  #onLost(error: LibvirtConnectionError): void {
    this.#session = undefined;
    this.#down = error;
    const lostAtMs = performance.now();
    if (lostAtMs - this.#openedAtMs > stableAfterMs) this.#attempt = 0;
    this.#handlers.onDisconnected(error);
    if (this.stopped) return;
    // A server without the protocol will not have it a second later.
    if (this.#reconnect === false || error.reason === 'protocol') this.#giveUp(error);
    else void this.#reopen(this.#reconnect, lostAtMs, error);
  }

  async #reopen(options: ReconnectOptions, lostAtMs: number, lost: LibvirtConnectionError): Promise<void> {
    let last: unknown = lost;
    while (this.#attempt < options.attempts) {
      const delayMs = Math.min(options.firstDelayMs * 2 ** this.#attempt, options.maxDelayMs);
      this.#attempt++;
      try {
        await sleep(delayMs, undefined, { signal: this.#stopping.signal });
        await this.open(this.#stopping.signal);
      } catch (error) {
        if (this.stopped) return;
        last = error;
        continue;
      }
      this.#handlers.onReopened(performance.now() - lostAtMs);
      return;
    }
    const why = last instanceof Error ? last.message : String(last);
    const message = `the connection was lost and ${options.attempts} attempts to reopen it failed: ${why}`;
    this.#giveUp(new LibvirtConnectionError('disconnected', message, { cause: last }));
  }

  #giveUp(error: LibvirtConnectionError): void {
    this.stop(error);
    this.#handlers.onGivenUp(error);
  }
}

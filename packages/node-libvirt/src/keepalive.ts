import { keepalivePingEvent, keepalivePongEvent } from './protocol.gen.ts';

/** How often to ping a silent server and how many pings may stay unanswered. Units: milliseconds. */
export interface KeepaliveOptions {
  intervalMs: number;
  count: number;
}

/** Answers the server's pings, and pings a server that has been silent. */
export class Keepalive {
  readonly #send: (procedure: number) => void;
  readonly #onDead: (message: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #silent = true;

  constructor(send: (procedure: number) => void, onDead: (message: string) => void) {
    this.#send = send;
    this.#onDead = onDead;
  }

  start({ intervalMs, count }: KeepaliveOptions): void {
    this.stop();
    this.#timer = setInterval(() => this.#tick(intervalMs, count), intervalMs);
    // The socket decides whether the process stays alive, not the pings on it.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Any bytes from the server prove that it lives. */
  heard(): void {
    this.#silent = false;
    this.#unanswered = 0;
  }

  /** Handles a keepalive message. A pong needs no action: `heard` has counted it. */
  received(procedure: number): void {
    if (procedure === keepalivePingEvent.number) this.#send(keepalivePongEvent.number);
  }

  #tick(intervalMs: number, count: number): void {
    if (!this.#silent) {
      this.#silent = true;
      return;
    }
    if (this.#unanswered >= count) {
      this.#onDead(`the libvirt daemon left ${count} pings unanswered, ${intervalMs} ms apart`);
      return;
    }
    this.#unanswered++;
    this.#send(keepalivePingEvent.number);
  }
}

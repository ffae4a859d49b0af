import { type EventKind, type EventMap, eventIds } from './events.ts';
import * as protocol from './protocol.gen.ts';
import type { Session } from './session.ts';

type Listener = (event: never) => void;

interface Registration {
  listeners: Set<Listener>;
  /** The server's number for our callback, once it is registered in the present session. */
  callbackId: number | undefined;
  /** Registrations and deregistrations of one kind follow one another. */
  turn: Promise<void>;
}

/** Keeps one server-side callback for each kind of event that has listeners, in every session that follows. */
export class Subscriptions {
  readonly #registrations = new Map<EventKind, Registration>();

  /** Adds a listener, registering with the server if it is the first; on failure the listener is not kept. */
  async add<K extends EventKind>(kind: K, listener: (event: EventMap[K]) => void, session: Session): Promise<void> {
    const registration = this.#registrations.get(kind) ?? {
      listeners: new Set(),
      callbackId: undefined,
      turn: Promise.resolve(),
    };
    this.#registrations.set(kind, registration);
    registration.listeners.add(listener);
    try {
      await inTurn(registration, async () => {
        if (registration.callbackId === undefined) registration.callbackId = await register(session, kind);
      });
    } catch (error) {
      registration.listeners.delete(listener);
      throw error;
    }
  }

  /** Removes a listener, and the server's callback with the last one. */
  async remove<K extends EventKind>(
    kind: K,
    listener: (event: EventMap[K]) => void,
    session: Session | undefined,
  ): Promise<void> {
    const registration = this.#registrations.get(kind);
    if (!registration) return;
    registration.listeners.delete(listener);
    await inTurn(registration, async () => {
      const { callbackId } = registration;
      if (registration.listeners.size > 0 || callbackId === undefined) return;
      registration.callbackId = undefined;
      if (session && !session.ended) await deregister(session, kind, callbackId);
    });
  }

  /** Hands an event to its listeners. The others get it even if one throws: the error surfaces by itself. */
  deliver<K extends EventKind>(kind: K, event: EventMap[K]): void {
    for (const listener of this.#registrations.get(kind)?.listeners ?? []) {
      try {
        (listener as (event: EventMap[K]) => void)(event);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  /** Registers everything again in a new session. */
  async renew(session: Session): Promise<void> {
    for (const [kind, registration] of this.#registrations) {
      registration.callbackId = undefined;
      if (registration.listeners.size === 0) continue;
      await inTurn(registration, async () => {
        registration.callbackId = await register(session, kind);
      });
    }
  }
}

function inTurn(registration: Registration, task: () => Promise<void>): Promise<void> {
  const result = registration.turn.then(task);
  // The next one proceeds after any result of this one, whose caller gets the failure from `result`.
  registration.turn = result.catch(() => undefined);
  return result;
}

async function register(session: Session, kind: EventKind): Promise<number> {
  const eventId = eventIds[kind];
  if (eventId === undefined) {
    return (await session.call(protocol.qemuMonitorEventRegister, { dom: null, event: null, flags: 0 })).callbackId;
  }
  return (await session.call(protocol.connectDomainEventCallbackRegisterAny, { eventId, dom: null })).callbackId;
}

async function deregister(session: Session, kind: EventKind, callbackId: number): Promise<void> {
  const spec =
    eventIds[kind] === undefined
      ? protocol.qemuMonitorEventDeregister
      : protocol.connectDomainEventCallbackDeregisterAny;
  await session.call(spec, { callbackId });
}

import type { ClientMessage, ClientPort, EngineMessage, EnginePort, Port } from './wire.ts';

/** Two ports joined in memory, for a client and an engine in one process. Messages arrive a microtask later. */
export function createMemoryPorts(): { readonly client: ClientPort; readonly engine: EnginePort } {
  const toEngine = new Set<(message: ClientMessage) => void>();
  const toClient = new Set<(message: EngineMessage) => void>();
  const onClose = new Set<() => void>();
  let closed = false;

  const end = <Out, In>(out: Set<(message: Out) => void>, incoming: Set<(message: In) => void>): Port<Out, In> => ({
    send: (message) =>
      queueMicrotask(() => {
        if (!closed) for (const listener of out) listener(message);
      }),
    onMessage: (listener) => incoming.add(listener),
    onClose: (listener) => onClose.add(listener),
    close: () => {
      if (closed) return;
      closed = true;
      for (const listener of onClose) listener();
    },
  });
  return { client: end(toEngine, toClient), engine: end(toClient, toEngine) };
}

import { type Client, createClient } from '#shared/contract/client.ts';
import type { EventName, EventPayload } from '#shared/contract/index.ts';
import type { ClientPort, EngineMessage } from '#shared/contract/wire.ts';
import {
  decodeEngineFrame,
  encodeFrame,
  tokenProtocol,
  webSocketPath,
  webSocketProtocol,
} from '#shared/contract/ws-codec.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Link, Transport } from './transport.ts';

/** Delays of reconnections: a restarted host is back within a second; a long loss must not cause a busy loop. */
const retryDelaysMs = [200, 400, 800, 1_500, 3_000, 5_000];

interface Subscription {
  readonly start: (client: Client) => void;
  readonly end: () => void;
}

/** The connection to a web host on this page's own origin; it reconnects by itself and subscribes again. */
export function createWebSocketTransport(origin: string, token: string): Transport {
  const url = `${origin.replace(/^http/, 'ws')}${webSocketPath}`;
  const linkListeners = new Set<(link: Link) => void>();
  const subscriptions = new Set<Subscription>();
  let link: Link = { status: 'connecting', attempt: 0, retryAtMs: null };
  let current: Client | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;

  const setLink = (next: Link) => {
    link = next;
    for (const listener of linkListeners) listener(next);
  };

  function connect(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const socket = new WebSocket(url, [webSocketProtocol, tokenProtocol(token)]);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      const client = createClient(portOf(socket));
      current = client;
      for (const entry of subscriptions) entry.start(client);
      setLink({ status: 'connected', attempt: 0, retryAtMs: null });
    });
    socket.addEventListener('close', () => {
      current = null;
      const attempt = link.attempt + 1;
      const delayMs = retryDelaysMs[Math.min(attempt, retryDelaysMs.length) - 1] ?? 5_000;
      timer = setTimeout(connect, delayMs);
      setLink({ status: 'lost', attempt, retryAtMs: Date.now() + delayMs });
    });
  }
  connect();

  const lost = () =>
    new FirstlightError('CONNECTION_LOST', 'There is no connection to the Firstlight engine.', {
      hint: 'Is `npm start` or `firstlight serve` still running? Start it again; this window connects by itself.',
    });

  const client: Client = {
    call: (name, input, options) => (current === null ? Promise.reject(lost()) : current.call(name, input, options)),
    subscribe: <Name extends EventName>(name: Name, listener: (payload: EventPayload<Name>) => void) => {
      let end: () => void = () => undefined;
      const entry: Subscription = {
        start: (client) => {
          end = client.subscribe(name, listener);
        },
        end: () => end(),
      };
      if (current !== null) entry.start(current);
      subscriptions.add(entry);
      return () => {
        subscriptions.delete(entry);
        entry.end();
      };
    },
    openStream: (name, input, onChunk) => {
      if (current !== null) return current.openStream(name, input, onChunk);
      const ended = Promise.reject(lost());
      // A caller that only reads need not watch `ended`.
      ended.catch(() => undefined);
      return { write: () => undefined, close: () => undefined, ended };
    },
  };

  return {
    kind: 'websocket',
    client,
    link: () => link,
    onLink: (listener) => {
      linkListeners.add(listener);
      return () => linkListeners.delete(listener);
    },
    retry: () => {
      if (link.status !== 'lost') return;
      setLink({ ...link, status: 'connecting', retryAtMs: null });
      connect();
    },
  };
}

function portOf(socket: WebSocket): ClientPort {
  return {
    send: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(encodeFrame(message));
    },
    onMessage: (listener: (message: EngineMessage) => void) =>
      socket.addEventListener('message', (event: MessageEvent<string | ArrayBuffer>) => {
        const frame = typeof event.data === 'string' ? event.data : new Uint8Array(event.data);
        const message = decodeEngineFrame(frame);
        if (message === null) socket.close(4002, 'not a message of the contract');
        else listener(message);
      }),
    onClose: (listener) => socket.addEventListener('close', () => listener()),
    close: () => socket.close(),
  };
}

const tokenKey = 'firstlight.token';

/**
 * The host's token: from the page's address (then removed from it, so that no history has it), or kept since.
 *
 * Shape: `#token=…` or `?token=…`; kept for this tab only.
 */
export function takeToken(location: Location, history: History, storage: Storage): string {
  const given =
    new URLSearchParams(location.hash.slice(1)).get('token') ?? new URLSearchParams(location.search).get('token');
  if (given !== null) {
    storage.setItem(tokenKey, given);
    history.replaceState(null, '', location.pathname);
  }
  return given ?? storage.getItem(tokenKey) ?? '';
}

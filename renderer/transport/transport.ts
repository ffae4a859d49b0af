import type { Client } from '#shared/contract/client.ts';

/** How the way to the engine is. Units: `retryAtMs` on `Date.now()`'s clock, null when no attempt is planned. */
export interface Link {
  readonly status: 'connecting' | 'connected' | 'lost';
  /** Attempts since it was last connected. */
  readonly attempt: number;
  readonly retryAtMs: number | null;
}

/** The way to the engine: one client for the life of the window, whatever becomes of the connection below it. */
export interface Transport {
  readonly kind: 'electron' | 'websocket';
  /** Its subscriptions outlive a lost connection; its calls and streams end with CONNECTION_LOST. */
  readonly client: Client;
  readonly link: () => Link;
  /** Returns the function that stops listening. */
  readonly onLink: (listener: (link: Link) => void) => () => void;
  /** Connects now instead of when the next attempt is due. */
  readonly retry: () => void;
  /** Asks for a directory with the system's own dialog; absent where there is none. Null: the person changed their mind. */
  readonly pickDirectory?: (() => Promise<string | null>) | undefined;
  /** The same for a file. */
  readonly pickFile?: (() => Promise<string | null>) | undefined;
}

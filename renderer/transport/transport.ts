import type { Client } from '#shared/contract/client.ts';

/** The state of the connection to the engine. Units: `retryAtMs` as `Date.now()`, null when no attempt is planned. */
export interface Link {
  readonly status: 'connecting' | 'connected' | 'lost';
  /** Attempts since the last connection. */
  readonly attempt: number;
  readonly retryAtMs: number | null;
}

/** The connection to the engine: one client for the life of the window, also across reconnections. */
export interface Transport {
  readonly kind: 'electron' | 'websocket';
  /** Its subscriptions outlive a lost connection; its calls and streams end with CONNECTION_LOST. */
  readonly client: Client;
  readonly link: () => Link;
  /** Returns the function that stops listening. */
  readonly onLink: (listener: (link: Link) => void) => () => void;
  /** Connects now instead of when the next attempt is due. */
  readonly retry: () => void;
  /** Asks for a directory with the system's own dialog; absent where there is none. Null: the person cancelled. */
  readonly pickDirectory?: (() => Promise<string | null>) | undefined;
  /** Asks for a file in the same way. */
  readonly pickFile?: (() => Promise<string | null>) | undefined;
  /** The application's menu; absent where the window has none. */
  readonly menu?: AppMenu | undefined;
}

/** The menu of the desktop program: it shows the keys of the page's commands, and says which one was chosen. */
export interface AppMenu {
  /** The present keys, by command. */
  readonly setKeys: (keys: Readonly<Record<string, string>>) => void;
  /** Returns the function that stops listening. */
  readonly onCommand: (listener: (id: string) => void) => () => void;
}

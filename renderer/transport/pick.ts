import { createElectronTransport } from './electron.ts';
import type { Transport } from './transport.ts';
import { createWebSocketTransport, takeToken } from './websocket.ts';

/** The transport for this page's shell. */
export function pickTransport(): Transport {
  if (window.firstlight !== undefined) return createElectronTransport(window.firstlight);
  return createWebSocketTransport(
    window.location.origin,
    takeToken(window.location, window.history, window.sessionStorage),
  );
}

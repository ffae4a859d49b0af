import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { readTokenProtocol } from '#shared/contract/ws-codec.ts';

/** Names that a browser may know a loopback listener by. Any port is allowed: a person may use an SSH tunnel. */
const loopbackHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/**
 * Whether the request names us by a loopback name.
 *
 * A page that rebinds its own domain to 127.0.0.1 sends that domain as Host, and is refused here.
 */
export function hasLoopbackHost(request: IncomingMessage): boolean {
  return loopbackHost.test(request.headers.host ?? '');
}

/** Whether the request comes from a page that we served: its Origin is the very Host it asks. */
export function hasOwnOrigin(request: IncomingMessage): boolean {
  return request.headers.origin?.toLowerCase() === `http://${request.headers.host?.toLowerCase()}`;
}

/** Whether the request offers the token as a WebSocket subprotocol; the comparison runs in constant time. */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return timingSafeEqual(digest(readTokenProtocol(offered) ?? ''), digest(token));
}

const digest = (text: string) => createHash('sha256').update(text).digest();

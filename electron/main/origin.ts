import type { WebFrameMain } from 'electron';
import { startUrl } from '../preload/channel.ts';

/** The scheme and host under which the renderer's files are served: no other content or sender is accepted. */
const { protocol, host } = new URL(startUrl);
export const scheme = protocol.replace(':', '');

/** Whether a URL is one of our own pages. */
export function isOwnUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  // Node gives custom schemes the origin "null", so its parts are compared.
  return url.protocol === protocol && url.host === host;
}

/** The sender check, for every message from a renderer: the top frame of a window, showing our own page. */
export function isTrustedFrame(frame: WebFrameMain | null): boolean {
  return frame !== null && frame.parent === null && isOwnUrl(frame.url);
}

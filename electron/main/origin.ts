import type { WebFrameMain } from 'electron';

/** The scheme and host under which the renderer's files are served: nothing else is ever shown or listened to. */
export const scheme = 'app';
export const host = 'firstlight';
export const startUrl = `${scheme}://${host}/`;

/** Whether a URL is one of our own pages. */
export function isOwnUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  // Node gives custom schemes the origin "null", so its parts are compared.
  return url.protocol === `${scheme}:` && url.host === host;
}

/** The sender check, for every message from a renderer: the top frame of a window, showing our own page. */
export function isTrustedFrame(frame: WebFrameMain | null): boolean {
  return frame !== null && frame.parent === null && isOwnUrl(frame.url);
}

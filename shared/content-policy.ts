/**
 * The Content-Security-Policy of the renderer, in the browser and in Electron.
 *
 * Monaco and xterm.js write style elements and inline styles at run time, hence `style-src 'unsafe-inline'`; Monaco's
 * icon font may be inlined as `data:`; its language services run in module workers that Vite emits as files of ours.
 * Nothing is evaluated, framed, posted or fetched from anywhere else.
 *
 * Shape: `connect` lists sources other than the page's own origin, such as `ws://127.0.0.1:4321`.
 */
export function contentSecurityPolicy(connect: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self' data:",
    "img-src 'self' data: blob:",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

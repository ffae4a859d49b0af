import { realpath, stat } from 'node:fs/promises';
import { join, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { net, protocol } from 'electron';
import { contentSecurityPolicy } from '#shared/content-policy.ts';
import { isOwnUrl, scheme } from './origin.ts';

/** Declares `app://` a scheme like https; Electron requires this before it is ready. */
export function setupScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** Serves the renderer's files as `app://firstlight/…`, under the same policy as the web host. */
export function setupAppProtocol(rendererDir: string): void {
  protocol.handle(scheme, async (request) => {
    const path = await findFile(rendererDir, request.url);
    if (request.method !== 'GET' || path === null) return new Response('Not found', { status: 404 });
    const file = await net.fetch(pathToFileURL(path).href);
    const headers = new Headers(file.headers);
    headers.set('content-security-policy', contentSecurityPolicy());
    headers.set('x-content-type-options', 'nosniff');
    return new Response(file.body, { status: file.status, headers });
  });
}

/** The file that a URL of ours names, or null. */
export async function findFile(dir: string, url: string): Promise<string | null> {
  if (!isOwnUrl(url)) return null;
  const pathname = decodePath(new URL(url).pathname);
  if (pathname === null) return null;
  const path = normalize(join(dir, pathname === '/' ? 'index.html' : pathname));
  if (!path.startsWith(normalize(dir) + sep)) return null;
  try {
    // A symbolic link in the folder must not lead out of it either.
    const [real, top] = await Promise.all([realpath(path), realpath(dir)]);
    return real.startsWith(top + sep) && (await stat(real)).isFile() ? path : null;
  } catch {
    // The file does not exist: the result is null.
    return null;
  }
}

function decodePath(pathname: string): string | null {
  try {
    const path = decodeURIComponent(pathname);
    return path.includes('\0') ? null : path;
  } catch {
    // A broken percent escape names no file.
    return null;
  }
}

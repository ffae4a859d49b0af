import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Vite writes files whose names contain a hash of their content here, so they never change. */
const hashedFolder = '/assets/';

const notBuilt = `<!doctype html><meta charset="utf-8"><title>Firstlight</title>
<p>The studio's pages are not built. Run <code>npm start</code> in the Firstlight folder; it builds what is missing.</p>`;

/** Answers GET and HEAD from the files under `dir`; never lists a folder, never leaves `dir`. */
export async function serveFile(dir: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const urlPath = (request.url ?? '/').split(/[?#]/, 1)[0] ?? '/';
  const file = await findFile(dir, urlPath);
  if (file === null) {
    const isStart = urlPath === '/';
    response.writeHead(isStart ? 503 : 404, { 'content-type': isStart ? contentTypes['.html'] : contentTypes['.txt'] });
    response.end(isStart ? notBuilt : 'Not found\n');
    return;
  }
  response.writeHead(200, {
    'content-type': contentTypes[extname(file.path)] ?? 'application/octet-stream',
    'content-length': file.bytes,
    'cache-control': urlPath.startsWith(hashedFolder) ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file.path), response);
}

/** The file that a URL path names, or null: it is missing, a folder, or outside `dir`, also through a link. */
async function findFile(dir: string, urlPath: string): Promise<{ path: string; bytes: number } | null> {
  const relative = decodePath(urlPath);
  if (relative === null) return null;
  try {
    const root = await realpath(dir);
    const path = await realpath(join(root, relative === '/' ? 'index.html' : relative));
    if (!path.startsWith(root + sep)) return null;
    const found = await stat(path);
    return found.isFile() ? { path, bytes: found.size } : null;
  } catch {
    // Absent, unreadable or a name too long: a client gets "not found" for all of them.
    return null;
  }
}

function decodePath(urlPath: string): string | null {
  try {
    const path = decodeURIComponent(urlPath);
    return path.startsWith('/') && !/[\0\\]|(^|\/)\.\.?(\/|$)/.test(path) ? path : null;
  } catch {
    // A broken percent escape.
    return null;
  }
}

import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { readJson } from '../../../store/read-json.ts';
import { toStoreError } from '../../../store/store-error.ts';
import { undefinedIfMissing, writeAtomic } from '../../../store/write-atomic.ts';
import { badStatus, isAbsent, type Opened, openUrl } from './open-url.ts';

/**
 * The state of an unfinished download: a folder with the archive so far and its origin.
 *
 * Source: RFC 9110, 13.1.5: a range is only requested with a strong ETag, so that the rest is of the same file.
 */
const sourceSchema = z.object({ url: z.string(), etag: z.string().nullable() });
export const archiveName = 'archive';
const sourceName = 'source.json';

export interface DownloadOptions {
  /** The path of the archive in the making, beside the files of an earlier try. */
  readonly dir: string;
  readonly maxBytes: number;
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** Units: bytes; `total` is null when the server does not give it. */
  readonly onBytes: (done: number, total: number | null) => void;
}

export interface Downloaded {
  readonly path: string;
  readonly headers: Headers;
}

/**
 * Fetches a file into `dir`, from the point where an earlier try was interrupted.
 *
 * Errors: NOT_FOUND when the server has no such file; RELEASE_INVALID when it is too large; DOWNLOAD_FAILED, CANCELLED,
 * after which the received bytes stay for the next try; DISK_FULL, STORE_UNUSABLE.
 */
export async function download(url: string, options: DownloadOptions): Promise<Downloaded> {
  const { dir, signal, stallMs } = options;
  const path = join(dir, archiveName);
  const kept = await findKept(url, dir);
  const ask = (headers: Record<string, string>) => openUrl(url, { signal, stallMs, headers });
  let opened = await ask(kept === null ? {} : { range: `bytes=${kept.bytes}-`, 'if-range': kept.etag });
  let from = kept === null ? 0 : resumedAt(opened, kept.bytes);
  if (from === null) {
    // The local part is not the beginning of the server's file.
    await drain(opened);
    opened = await ask({});
    from = 0;
  }
  if (isAbsent(opened.status)) {
    await drain(opened);
    throw new FirstlightError('NOT_FOUND', `${url} does not exist.`, { details: { subject: url } });
  }
  if (opened.status !== 200 && opened.status !== 206) {
    await drain(opened);
    throw badStatus(url, opened.status);
  }
  await receive(url, path, opened, from, options);
  return { path, headers: opened.headers };
}

async function receive(
  url: string,
  path: string,
  { headers, body }: Opened,
  from: number,
  { dir, maxBytes, onBytes }: DownloadOptions,
): Promise<void> {
  const rest = Number(headers.get('content-length') ?? Number.NaN);
  const total = Number.isFinite(rest) ? from + rest : null;
  if (total !== null && total > maxBytes) throw tooLarge(url, maxBytes);
  // The archive is truncated before its new origin is recorded: after a kill in between, it is empty.
  const file = await open(path, from === 0 ? 'w' : 'r+', 0o600).catch((thrown) => {
    throw toStoreError(thrown, 'write', path);
  });
  try {
    const source = { url, etag: strongEtag(headers) };
    await writeAtomic(join(dir, sourceName), JSON.stringify(source), { durable: false });
    let done = from;
    onBytes(done, total);
    for await (const chunk of body) {
      if (done + chunk.length > maxBytes) throw tooLarge(url, maxBytes);
      await writeAt(file, path, chunk, done);
      done += chunk.length;
      onBytes(done, total);
    }
  } finally {
    await file.close();
  }
}

async function writeAt(file: FileHandle, path: string, chunk: Uint8Array, at: number): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
      done += bytesWritten;
    }
  } catch (thrown) {
    throw toStoreError(thrown, 'write', path);
  }
}

/** The partial download of this URL from an earlier try; null when there is none. */
async function findKept(url: string, dir: string): Promise<{ bytes: number; etag: string } | null> {
  const source = await readJson(join(dir, sourceName), sourceSchema);
  const archive = await stat(join(dir, archiveName)).catch(undefinedIfMissing);
  if (!source.ok || source.value?.url !== url || source.value.etag === null || !archive || archive.size === 0)
    return null;
  return { bytes: archive.size, etag: source.value.etag };
}

/** The offset where the answer continues: 0 for the whole file, null when the range is not available. */
function resumedAt({ status, headers }: Opened, wanted: number): number | null {
  if (status === 416) return null;
  if (status !== 206) return 0;
  const from = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
  return Number(from) === wanted ? wanted : null;
}

function strongEtag(headers: Headers): string | null {
  const etag = headers.get('etag');
  return etag?.startsWith('"') ? etag : null;
}

/** Releases the connection. */
async function drain({ body }: Opened): Promise<void> {
  for await (const _ of body) break;
}

const tooLarge = (url: string, maxBytes: number) =>
  new FirstlightError(
    'RELEASE_INVALID',
    `${url} is larger than ${formatBytes(maxBytes)}: that is not a release of Nanos.`,
    {
      details: { subject: url },
    },
  );

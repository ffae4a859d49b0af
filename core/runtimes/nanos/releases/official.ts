import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { CallContext } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { kernelVersionSchema } from '#shared/model/kernel.ts';
import { type Downloaded, download } from './download.ts';
import type { KeptDownloads } from './kept-downloads.ts';
import { offlineHint, readText } from './open-url.ts';
import { digestFile, parseGoogHash, parseMd5File, type ServerDigest } from './server-digest.ts';
import { unpackRelease } from './unpack-release.ts';

/**
 * The server where the makers of Nanos publish its releases. Source: nanovms/ops, `lepton/const.go`; nanovms/nanos,
 * `release.sh`.
 */
export const officialBaseUrl = 'https://storage.googleapis.com/nanos/release/';

/** The releases of a server. */
export interface Official {
  /** The newest release's version. Errors: CANCELLED, DOWNLOAD_FAILED. */
  readonly latest: (context: CallContext) => Promise<string>;
  /**
   * Downloads a release in `workDir`, verifies its digest, and unpacks it into `to`.
   *
   * Errors: NOT_FOUND, DOWNLOAD_FAILED, CANCELLED, DIGEST_MISMATCH, ARCHIVE_INVALID, DISK_FULL, STORE_UNUSABLE.
   */
  readonly fetchInto: (to: string, version: string, workDir: string, context: CallContext) => Promise<void>;
}

export interface OfficialOptions {
  readonly baseUrl: string;
  readonly kept: KeptDownloads;
  /** The limit for silence of the server. Units: ms. */
  readonly stallMs: number;
}

/** Releases have 1.5 to 20 MB. */
const maxArchiveBytes = 256 * 1024 ** 2;
/** A version or a digest on a line. */
const maxTextBytes = 1024;
/** Errors after which the bytes so far are kept. */
const keptAfter = new Set(['CANCELLED', 'DOWNLOAD_FAILED']);

export function createOfficial({ baseUrl, kept, stallMs }: OfficialOptions): Official {
  const urlOf = (path: string) => new URL(path, baseUrl).href;
  const folderOf = (version: string) =>
    `${encodeURIComponent(version)}/nanos-release-linux-${encodeURIComponent(version)}`;

  async function digestOf(version: string, { headers }: Downloaded, signal: AbortSignal): Promise<ServerDigest> {
    const found =
      parseGoogHash(headers.get('x-goog-hash')) ??
      parseMd5File(await readText(urlOf(`${folderOf(version)}.md5`), maxTextBytes, { signal, stallMs }));
    if (found !== null) return found;
    throw new FirstlightError(
      'DOWNLOAD_FAILED',
      `Nanos ${version} was not installed: its server names no digest of it.`,
      {
        hint: 'Without one a broken download cannot be recognised. Fetch the archive yourself and give it with --from.',
      },
    );
  }

  async function verify(version: string, downloaded: Downloaded, context: CallContext): Promise<void> {
    const { algorithm, hex, from } = await digestOf(version, downloaded, context.signal);
    const found = await digestFile(downloaded.path, algorithm);
    if (found !== hex) {
      throw new FirstlightError(
        'DIGEST_MISMATCH',
        `What came as Nanos ${version} is not what its server says it has.`,
        {
          hint: 'It was thrown away. Try again; if it stays so, something on the way changes it: fetch the archive elsewhere and give it with --from.',
          details: { output: `${algorithm} by ${from}: ${hex}\n${algorithm} of what came: ${found}` },
        },
      );
    }
    context.progress({ step: 'verify', message: `Verified Nanos ${version} by its ${algorithm} from ${from}` });
  }

  return {
    latest: async ({ signal }) => {
      const url = urlOf('latest.txt');
      const version = kernelVersionSchema.safeParse(await readText(url, maxTextBytes, { signal, stallMs }));
      if (version.success && /^\d/.test(version.data)) return version.data;
      throw new FirstlightError('DOWNLOAD_FAILED', `${url} does not say which release is the newest.`, {
        hint: `Name one, as in \`firstlight nanos install 0.1.54\`. ${offlineHint}`,
      });
    },

    fetchInto: async (to, version, workDir, context) => {
      const { signal, progress } = context;
      const dir = await kept.take(version, workDir);
      const onBytes = (done: number, total: number | null) =>
        progress({
          step: 'download',
          message: `Downloading Nanos ${version}: ${formatBytes(done)}${total === null ? '' : ` of ${formatBytes(total)}`}`,
          ...(total !== null && total > 0 && { fraction: done / total }),
        });
      let downloaded: Downloaded;
      try {
        downloaded = await download(urlOf(`${folderOf(version)}.tar.gz`), {
          dir,
          maxBytes: maxArchiveBytes,
          stallMs,
          signal,
          onBytes,
        });
        await verify(version, downloaded, context);
      } catch (thrown) {
        const error = toFirstlightError(thrown);
        if (keptAfter.has(error.code)) await kept.putBack(version, workDir);
        throw error.code === 'NOT_FOUND' ? noSuchRelease(version, error) : error;
      }
      progress({ step: 'unpack', message: `Unpacking Nanos ${version}` });
      await mkdir(join(to), { recursive: true });
      await unpackRelease(downloaded.path, to, { name: `Nanos ${version}`, signal });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const noSuchRelease = (version: string, cause: FirstlightError) =>
  new FirstlightError('NOT_FOUND', `There is no Nanos release ${version}.`, {
    hint: '`firstlight nanos install` takes the newest one.',
    details: cause.details,
    cause,
  });

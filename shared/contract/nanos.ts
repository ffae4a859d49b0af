import { z } from 'zod';
import { nanosReleaseSchema, nanosVersionSchema } from '../model/nanos.ts';
import { call } from './define.ts';

export const nanosCalls = {
  /** The releases on this machine, the one in use first; and the licence's words for binary releases. */
  'nanos:releases': call(
    z.strictObject({}),
    z.object({ releases: z.array(nanosReleaseSchema), notice: z.string(), noticeAccepted: z.boolean() }),
  ),
  /**
   * Downloads a release (default: `latest`), or takes a local build from a directory or tarball, and puts it to use when it
   * is the first. Reports progress; a download that was broken off goes on where it was. `accept` says that the notice was
   * read.
   * Errors: BAD_INPUT, NOT_FOUND (no such release), NOTICE_NOT_ACCEPTED, DOWNLOAD_FAILED (offline: says what works instead),
   * DIGEST_MISMATCH, RELEASE_INVALID, ARCHIVE_INVALID, PATH_ESCAPES, ALREADY_EXISTS (another build has that name), DISK_FULL.
   */
  'nanos:install': call(
    z.strictObject({
      version: nanosVersionSchema.optional(),
      from: z.string().min(1).optional(),
      /** The name of a local build. Default: `local-` and the first digits of its digest. */
      as: nanosVersionSchema.optional(),
      accept: z.boolean().default(false),
    }),
    nanosReleaseSchema,
  ),
  /** Errors: NOT_FOUND. */
  'nanos:use': call(z.strictObject({ version: nanosVersionSchema }), nanosReleaseSchema),
  /** Errors: NOT_FOUND. */
  'nanos:remove': call(z.strictObject({ version: nanosVersionSchema }), z.null()),
};

export const nanosEvents = {
  /** A release came, went, or was put to use. */
  'nanos:changed': z.object({ releases: z.array(nanosReleaseSchema) }),
};

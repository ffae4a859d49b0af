import { z } from 'zod';
import { kernelReleaseSchema, kernelVersionSchema } from '../model/kernel.ts';
import { runtimeIdSchema } from '../model/project.ts';
import { call } from './define.ts';

/** The runtime of the kernel: one that has `kernels` in `runtimes:list`. */
const runtime = runtimeIdSchema;

export const kernelCalls = {
  /**
   * The releases on this machine, the one in use first; and the licence notice for binary releases.
   * Errors: NOT_FOUND for a runtime without a choice of kernels, as in all calls of this area.
   */
  'kernels:list': call(
    z.strictObject({ runtime }),
    z.object({ releases: z.array(kernelReleaseSchema), notice: z.string(), noticeAccepted: z.boolean() }),
  ),
  /**
   * Downloads a release (default: `latest`), or takes a local build from a directory or tarball, and uses it when it
   * is the first. Reports progress; an interrupted download is continued. `accept` confirms that the notice was read.
   * Errors: BAD_INPUT, NOT_FOUND (no such release), NOTICE_NOT_ACCEPTED, DOWNLOAD_FAILED (offline: with alternatives),
   * DIGEST_MISMATCH, RELEASE_INVALID, ARCHIVE_INVALID, PATH_ESCAPES, ALREADY_EXISTS (another build has that name), DISK_FULL.
   */
  'kernels:install': call(
    z.strictObject({
      runtime,
      version: kernelVersionSchema.optional(),
      from: z.string().min(1).optional(),
      /** The name of a local build. Default: `local-` and the first digits of its digest. */
      as: kernelVersionSchema.optional(),
      accept: z.boolean().default(false),
    }),
    kernelReleaseSchema,
  ),
  /** Errors: NOT_FOUND. */
  'kernels:use': call(z.strictObject({ runtime, version: kernelVersionSchema }), kernelReleaseSchema),
  /** Errors: NOT_FOUND. */
  'kernels:remove': call(z.strictObject({ runtime, version: kernelVersionSchema }), z.null()),
};

export const kernelEvents = {
  /** A release was added, removed, or put into use. */
  'kernels:changed': z.object({ runtime, releases: z.array(kernelReleaseSchema) }),
};

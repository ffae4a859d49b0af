import { z } from 'zod';
import {
  imageDiffSchema,
  imageInfoSchema,
  imagePartitionSchema,
  imageTextSchema,
  imageTreeSchema,
  storedImageSchema,
} from '../model/image-tree.ts';
import { bytesSchema, imageIdSchema } from '../model/units.ts';
import { call, stream } from './define.ts';

/** More entries than any real program has; a longer listing is marked as cut. */
export const maxImageEntries = 200_000;

/** An image: one of the store's, or any file on the engine's host by its absolute path. */
export const imageRefSchema = z.union([
  z.strictObject({ imageId: imageIdSchema }),
  z.strictObject({ path: z.string().min(1).max(4096) }),
]);
export type ImageRef = z.input<typeof imageRefSchema>;

const byImage = z.strictObject({ image: imageRefSchema, partition: imagePartitionSchema.default('root') });
const pathSchema = z.string().min(1).max(4096);
/** A path inside an image. Links are followed, inside the image only. */
const byFile = byImage.extend({ path: pathSchema });

export const imageCalls = {
  /** The images in the store, newest first. */
  'images:list': call(z.strictObject({}), z.array(storedImageSchema)),
  /** Errors: NOT_FOUND, IMAGE_INVALID. Reads metadata only. */
  'images:info': call(byImage, imageInfoSchema),
  /**
   * The content of a directory, or one file. Reads metadata only. Errors: NOT_FOUND, IMAGE_INVALID; BAD_INPUT for an image
   * that has no file system.
   */
  'images:tree': call(
    byFile.extend({
      path: pathSchema.default('/'),
      maxEntries: z.number().int().min(1).max(maxImageEntries).default(maxImageEntries),
    }),
    imageTreeSchema,
  ),
  /** The beginning of a file. Errors: as `images:tree`; BAD_INPUT for a directory. */
  'images:text': call(
    byFile.extend({ maxBytes: z.number().int().min(1).max(1_048_576).default(65_536) }),
    imageTextSchema,
  ),
  /**
   * Writes the tree under `path` into a new folder `to` (absolute) of the engine's host. It appears whole or not at all.
   * Errors: as `images:tree`; ALREADY_EXISTS when `to` exists and is not empty; PATH_ESCAPES; DISK_FULL.
   */
  'images:extract': call(
    byFile.extend({ path: pathSchema.default('/'), to: z.string().min(1).max(4096) }),
    z.object({
      to: z.string(),
      files: z.number().int(),
      directories: z.number().int(),
      symlinks: z.number().int(),
      bytes: bytesSchema,
    }),
  ),
  /** Deletes a stored image; its function is rebuilt at need. Errors: NOT_FOUND; CONFLICT while an instance uses it. */
  'images:remove': call(z.strictObject({ imageId: imageIdSchema }), z.null()),
  /** Deletes every image that no instance runs from and that was not used in the last minutes. */
  'images:prune': call(z.strictObject({}), z.object({ freedBytes: bytesSchema })),
  /** The differences of `other`. File contents are compared. Errors: as `images:tree`. */
  'images:diff': call(byImage.extend({ other: imageRefSchema }), imageDiffSchema),
};

export const imageStreams = {
  /** All bytes of a file. Errors: as `images:text`. */
  'images:bytes': stream(byFile),
};

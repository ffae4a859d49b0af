/** The content of an image, as the image inspector shows it. */
import { z } from 'zod';
import { type Json, jsonSchema } from './json.ts';
import { runtimeIdSchema } from './project.ts';
import { bytesSchema, imageIdSchema } from './units.ts';

/** A file system of an image: `boot` has the kernel, `root` the program. One without partitions has only `root`. */
export const imagePartitionSchema = z.enum(['boot', 'root']);
export type ImagePartition = z.output<typeof imagePartitionSchema>;

/** An image in Firstlight's store. */
export const storedImageSchema = z.object({
  id: imageIdSchema,
  runtime: runtimeIdSchema,
  /** The function of the project that was last built into it; null when no project refers to it any more. */
  functionName: z.string().nullable(),
  bytes: bytesSchema,
  createdAt: z.string(),
  path: z.string(),
});
export type StoredImage = z.output<typeof storedImageSchema>;

/** One file, directory or symbolic link of an image. */
export const imageEntrySchema = z.object({
  /** Absolute in the image; `/` itself is not listed. */
  path: z.string(),
  kind: z.enum(['file', 'directory', 'symlink']),
  /** A file's length, a link's target's; 0 for a directory. */
  bytes: bytesSchema,
  /** The size of its data in the image: less than `bytes` for a file with holes. */
  storedBytes: bytesSchema,
  /** The target of a symbolic link; null for other entries. */
  target: z.string().nullable(),
});
export type ImageEntry = z.output<typeof imageEntrySchema>;

/** A listing. Shape: every directory comes before its content, names in order of their characters. */
export const imageTreeSchema = z.object({
  partition: imagePartitionSchema,
  /** The listed path, after links were followed: a directory, or one file. */
  path: z.string(),
  entries: z.array(imageEntrySchema),
  /** The totals of everything under `path`, also when `entries` was cut short. */
  totals: z.object({
    files: z.number().int(),
    directories: z.number().int(),
    symlinks: z.number().int(),
    bytes: bytesSchema,
    storedBytes: bytesSchema,
  }),
  /** True when there are more entries than requested. */
  truncated: z.boolean(),
});
export type ImageTree = z.output<typeof imageTreeSchema>;

/** A piece of the disk. Shape: `start` counts from the disk's first byte. */
const partitionSchema = z.object({
  kind: z.enum(['uefi', 'boot', 'root', 'other']),
  start: bytesSchema,
  bytes: bytesSchema,
});

/** A file system of an image, without its files. */
export const imageFileSystemSchema = z.object({
  partition: imagePartitionSchema,
  /** The version of TFS: 5, or 4 as older tools write it. */
  version: z.number().int(),
  label: z.string(),
  uuid: z.string(),
  bytes: bytesSchema,
  /** The size of the metadata log on the disk, and the written part of it. */
  log: z.object({ reservedBytes: bytesSchema, usedBytes: bytesSchema, pieces: z.number().int() }),
  /** The space that neither a file nor the log uses. */
  freeBytes: bytesSchema,
  program: z.string().nullable(),
  arguments: z.array(z.string()),
  /** The environment in the image, readable for everyone: no secrets are expected here. */
  environment: z.record(z.string(), z.string()),
  /** Kernel modules: those named in the options, and those whose files are there. */
  klibs: z.array(z.string()),
  /** Every other option of the root tuple, as JSON: a tuple is an object, a vector an array. */
  options: z.record(z.string(), jsonSchema as z.ZodType<Json>),
  /** Oddities that do not prevent reading the image. */
  warnings: z.array(z.string()),
});
export type ImageFileSystem = z.output<typeof imageFileSystemSchema>;

/** The description of an image. */
export const imageInfoSchema = z.object({
  path: z.string(),
  format: z.enum(['raw', 'qcow2', 'elf']),
  /** Length of the file on this host, and the part of it that uses disk space. */
  fileBytes: bytesSchema,
  allocatedBytes: bytesSchema,
  /** Length of the disk a guest sees. */
  diskBytes: bytesSchema,
  /** The files a qcow2 image builds on, nearest first. */
  backing: z.array(z.string()),
  partitions: z.array(partitionSchema),
  /** The requested file system; null for an image that is a kernel (ELF), which has none. */
  fileSystem: imageFileSystemSchema.nullable(),
  /** The parts of an ELF image that have a name and a length; empty for others. */
  sections: z.array(z.object({ name: z.string(), bytes: bytesSchema, inFile: z.boolean() })),
});
export type ImageInfo = z.output<typeof imageInfoSchema>;

/** The beginning of a file in an image. Shape: one of `text` (it is UTF-8) and `base64` is not null. */
export const imageTextSchema = z.object({
  /** The file's own path, after links were followed. */
  path: z.string(),
  /** The whole file's length. */
  bytes: bytesSchema,
  text: z.string().nullable(),
  base64: z.string().nullable(),
  truncated: z.boolean(),
});
export type ImageText = z.output<typeof imageTextSchema>;

/** One difference between two images. Shape: `before` is null for an addition, `after` for a removal. */
export const imageChangeSchema = z.object({
  kind: z.enum(['added', 'removed', 'changed']),
  /** A path, or for an option of the root tuple its name. */
  subject: z.string(),
  of: z.enum(['entry', 'option']),
  /** The difference, for a person: `content`, `size`, `target`, `kind`, `value`. */
  what: z.array(z.enum(['kind', 'size', 'content', 'target', 'value'])),
  before: z.string().nullable(),
  after: z.string().nullable(),
});
export type ImageChange = z.output<typeof imageChangeSchema>;

export const imageDiffSchema = z.object({
  same: z.boolean(),
  changes: z.array(imageChangeSchema),
  /** True when there are more changes than are listed. */
  truncated: z.boolean(),
});
export type ImageDiff = z.output<typeof imageDiffSchema>;

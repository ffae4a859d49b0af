/**
 * Numbers of TFS, the file system of Nanos, and of its disks.
 *
 * Source: nanovms/nanos at b9c3671d, `src/fs/tlog.c`, `src/fs/tfs.h`, `src/runtime/storage.h`, `src/runtime/tuple.c`.
 */

export const sectorBytes = 512;
export const magic = 'NVMTFS';
export const version = 5;
/** The version of older tools; read, never written. Its value headers differ. */
export const oldVersion = 4;

/** The first piece of a log: one sector with magic, version, length, UUID and label, and a link to the first extension. */
export const firstLogBytes = sectorBytes;
/** Every further piece. */
export const logExtensionBytes = 512 * 1024;
export const uuidBytes = 16;
/** The length including the terminating zero. */
export const maxLabelBytes = 32;

/** The kinds of log entries, by their first byte. */
export const record = {
  endOfLog: 1,
  tuple: 2,
  tupleContinued: 3,
  endOfSegment: 4,
  extensionLink: 5,
} as const;

/** The types in a value's header. */
export const valueType = { buffer: 0, tuple: 1, vector: 2, integer: 3, string: 4 } as const;

/** A varint of 64 significant bits. */
export const maxVarintBytes = 10;

/** The boot file system: it contains only the kernel, and klibs on request. */
export const bootFsBytes = 12 * 1024 * 1024;
/** The kernel's last log, between boot code and the first partition. Source: `KLOG_DUMP_SIZE` in `src/config.h`. */
export const klogBytes = 4 * 1024;

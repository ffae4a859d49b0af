export { type Bytes, type Compression, compressionOf, decompress } from './decompress.ts';
export { createPathTree, type Found, type PathNode, type PathTree, pathTreeOf } from './path-tree.ts';
export { type ReadTarOptions, readTar, type TarEntry } from './read-tar.ts';
export { invalidArchive, TarError, type TarReason } from './tar-error.ts';
export { defaultTarLimits, type TarLimits } from './tar-limits.ts';
export { addUnpacked, type Unpacked, unpackedPath, unpackedSchema, unpackTar } from './unpack-tar.ts';
export { type WriteTarOptions, writeTar } from './write-tar.ts';

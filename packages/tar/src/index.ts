export { type Bytes, compressionOf, decompress } from './decompress.ts';
export { createPathTree, type PathTree, pathTreeOf } from './path-tree.ts';
export { readTar, type TarEntry } from './read-tar.ts';
export { badArchive } from './tar-error.ts';
export { defaultTarLimits } from './tar-limits.ts';
export { addUnpacked, type Unpacked, unpackedPath, unpackedSchema, unpackTar } from './unpack-tar.ts';

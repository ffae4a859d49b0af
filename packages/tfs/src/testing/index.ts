export { fuzzTargets } from './fuzz-targets.ts';
export { smallData, smallRoot, smallVolumes } from './small-volumes.ts';
export { dataSector, encode, fileTuple, symbol, varint, volumeBytes, type Written, whole } from './tfs-bytes.ts';

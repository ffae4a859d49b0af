export { dataSector, encode, fileTuple, symbol, varint, volumeBytes, type Written, whole } from './tfs-bytes.ts';

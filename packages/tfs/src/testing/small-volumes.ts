import { dataSector, encode, fileTuple, varint, volumeBytes, type Written, whole } from './tfs-bytes.ts';

const dataAt = dataSector();
/** The root tuple of a small tree. */
export const smallRoot: Written = {
  program: '/app',
  arguments: ['app', '1'],
  environment: { A: 'b' },
  big: 2n ** 60n,
  children: {
    app: fileTuple(1500, [
      [0, 2, dataAt],
      [4, 1, dataAt + 2],
    ]),
    lib: { linktarget: 'app' },
    etc: { children: { empty: { filelength: '0', extents: {} } } },
  },
};
/** The data of its files. */
export const smallData = Buffer.alloc(4 * 512, 'data');

/** Small file systems: of both versions, one with a record in parts, one with later records in the log. */
export function smallVolumes(): Uint8Array[] {
  const record = encode(smallRoot);
  const parts = [
    2,
    ...varint(record.length),
    ...varint(200),
    ...record.slice(0, 200),
    3,
    ...varint(record.length - 200),
  ];
  const later = whole(encode({ ref: 1, set: { program: '/lib', big: null, more: ['x'] } }));
  const old: Written = {
    program: '/a',
    arguments: { '0': 'a' },
    children: { a: { linktarget: 'b' }, b: { children: {} } },
  };
  return [
    volumeBytes({ log: [...whole(record), 4, ...later], data: smallData }),
    volumeBytes({ log: [...parts, ...record.slice(200)], data: smallData }),
    volumeBytes({ version: 4, log: whole(encode(old, 4)), data: smallData }),
  ];
}

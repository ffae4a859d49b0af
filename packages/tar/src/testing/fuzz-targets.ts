import { gzipSync } from 'node:zlib';
import type { FuzzTarget } from '@firstlight/files/testing';
import { createPathTree, readTar } from '../index.ts';
import { makeTar, storedZstd } from './make-tar.ts';

async function* once(input: Uint8Array): AsyncGenerator<Uint8Array> {
  yield input;
}

/** An archive, read whole and put into a tree. */
const tarArchives: FuzzTarget = {
  name: 'tar archives',
  share: 0.3,
  corpus: async () => {
    const tar = await makeTar([
      { name: 'd/', type: 'directory' },
      { name: 'd/file', data: 'content' },
      { name: `d/${'n'.repeat(120)}`, data: 'x' },
      { name: 'link', type: 'symlink', linkname: 'd' },
      { name: 'link/through', data: 'y' },
      { name: 'hard', type: 'link', linkname: 'd/file' },
    ]);
    const small = await makeTar([{ name: 'a', data: 'x' }]);
    return [tar, small.subarray(0, 1024), gzipSync(small), storedZstd(small.subarray(0, 1024))];
  },
  parse: async (input) => {
    const tree = createPathTree();
    for await (const entry of readTar(once(input), { archive: 'fuzz.tar' })) {
      if (entry.kind === 'symlink' || entry.kind === 'directory') tree.add(entry.path, entry);
      if (entry.kind !== 'file') continue;
      for await (const _ of entry.content);
      tree.add(entry.path, { kind: 'file', content: { kind: 'bytes', data: new Uint8Array(0) }, bytes: entry.bytes });
    }
    tree.toFileTree();
  },
};

export const fuzzTargets: readonly FuzzTarget[] = [tarArchives];

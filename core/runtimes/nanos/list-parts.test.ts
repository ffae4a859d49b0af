import { createFileTree } from '@firstlight/files';
import { expect, it } from 'vitest';
import { listNanosParts } from './list-parts.ts';

const builder = createFileTree();
builder.add('/usr/bin/node', { kind: 'file', content: { kind: 'host', path: '/usr/bin/node' }, bytes: 1 });
builder.add('/etc/words', { kind: 'file', content: { kind: 'bytes', data: Buffer.from('x') }, bytes: 1 });
const facts = { program: null, description: 'Node.js 20.20.2 and 6 libraries', warnings: [] };
const base = { tree: builder.tree, facts, digest: 'abc' };

it('names the kernel, Node.js, and the files of this machine', () => {
  const { parts, hostFiles } = listNanosParts({}, '0.1.54', base);
  expect(parts.map(({ kind, name, version, purl }) => [kind, name, version, purl])).toEqual([
    ['operating-system', 'nanos', '0.1.54', 'pkg:github/nanovms/nanos@0.1.54'],
    ['library', 'Node.js', '20.20.2', null],
  ]);
  expect(hostFiles).toEqual(['/usr/bin/node']);
});

it('names an OCI image as a whole: its files are no packages of this machine', () => {
  const { parts, hostFiles } = listNanosParts({ image: 'docker://redis:7' }, '0.1.54', base);
  expect(parts[1]).toMatchObject({ name: 'docker://redis:7', version: 'abc' });
  expect(hostFiles).toEqual([]);
});

import { expect, test } from 'vitest';
import type { Target } from '#shared/model/deploy.ts';
import { cli, type Parts } from '../testing/run-cli.ts';

function adding(): { readonly parts: Parts; readonly added: Target[] } {
  const added: Target[] = [];
  const add = (target: Target) => {
    added.push(target);
    return target;
  };
  return { added, parts: { calls: { 'targets:add': add } } };
}
const uri = 'qemu+ssh://root@lab/system';
const lab = ['target', 'add', 'lab', '--libvirt', uri];

test('hosts serve on loopback unless an address is named, which is said to be open to all', async () => {
  const { parts, added } = adding();
  expect((await cli(lab, parts)).err).toBe('');
  const open = await cli([...lab, '--listen', '0.0.0.0'], parts);
  expect(open.err).toMatch(/listen at 0\.0\.0\.0 .*whoever reaches that address can call them/);
  const common = { name: 'lab', kind: 'libvirt', uris: [uri] };
  expect(added).toEqual([
    { ...common, listen: '127.0.0.1' },
    { ...common, listen: '0.0.0.0' },
  ]);
});

test('what is no address of a host is refused, and so is one for a cluster', async () => {
  const { parts, added } = adding();
  for (const listen of ['lab', '300.1.1.1', '224.0.0.1', '::1', '127.0.0.1:80']) {
    const { exitCode, err } = await cli([...lab, '--listen', listen], parts);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`"${listen}" is not an IPv4 address`)]);
  }
  const cluster = ['target', 'add', 'home', '--registry', 'r.example/team', '--listen', '0.0.0.0'];
  expect((await cli(cluster, parts)).err).toContain('--listen is for libvirt hosts');
  expect(added).toEqual([]);
});

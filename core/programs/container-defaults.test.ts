import { createFileTree, type FileTreeBuilder } from '@firstlight/files';
import { bytesFile } from '@firstlight/files/testing';
import { expect, it } from 'vitest';
import { addContainerDefaults } from './container-defaults.ts';

function textAt(builder: FileTreeBuilder, path: string): string | undefined {
  const node = builder.get(path);
  return node?.kind === 'file' && node.content.kind === 'bytes' ? Buffer.from(node.content.data).toString() : undefined;
}

it('gives what every container has', () => {
  const builder = createFileTree();
  addContainerDefaults(builder, '/srv/app');
  for (const folder of ['/tmp', '/dev/shm', '/root', '/srv/app'])
    expect(builder.get(folder)).toEqual({ kind: 'directory' });
  expect(textAt(builder, '/etc/hosts')).toContain('127.0.0.1\tlocalhost');
  expect(textAt(builder, '/etc/resolv.conf')).toBe('nameserver 10.0.2.3\n');
  expect(textAt(builder, '/etc/hostname')).toBe('localhost\n');
});

it('replaces the name of the host where the image was made: nothing could look it up', () => {
  for (const own of [bytesFile('build-7f3a\n'), { kind: 'symlink', target: '/run/hostname' } as const]) {
    const builder = createFileTree();
    builder.add('/etc/hostname', own);
    addContainerDefaults(builder, null);
    expect(textAt(builder, '/etc/hostname')).toBe('localhost\n');
  }
});

it('keeps what the image has, but for empty files that a runtime would mount over', () => {
  const builder = createFileTree();
  builder.add('/etc/hosts', bytesFile(''));
  const own = bytesFile('nameserver 9.9.9.9\n');
  builder.add('/etc/resolv.conf', own);
  builder.add('/tmp', { kind: 'symlink', target: 'var/tmp' });
  builder.add('/var/tmp', { kind: 'directory' });
  builder.add('/root/.profile', bytesFile('x'));
  addContainerDefaults(builder, null);
  expect(builder.get('/etc/resolv.conf')).toBe(own);
  expect(textAt(builder, '/etc/hosts')).toContain('localhost');
  expect(builder.get('/tmp')).toEqual({ kind: 'symlink', target: 'var/tmp' });
  expect(builder.get('/root/.profile')).toBeDefined();
});

it('replaces a link to a file that only the host has', () => {
  const builder = createFileTree();
  builder.add('/etc/resolv.conf', { kind: 'symlink', target: '../run/systemd/resolve/stub-resolv.conf' });
  addContainerDefaults(builder, null);
  expect(textAt(builder, '/etc/resolv.conf')).toContain('nameserver');
});

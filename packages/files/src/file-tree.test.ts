import { describe, expect, it } from 'vitest';
import { createFileTree, guestPath } from './file-tree.ts';

const file = { kind: 'file', content: { kind: 'bytes', data: new Uint8Array(3) }, bytes: 3 } as const;

describe('a path in the guest', () => {
  it('has one form', () => {
    expect(['a//b/', './a/./b', '/x/../a/b', 'a/b'].map(guestPath)).toEqual(['/a/b', '/a/b', '/a/b', '/a/b']);
    expect(guestPath('/')).toBe('/');
  });

  it('never leads out of the image', () => {
    expect(() => guestPath('/a/../../b')).toThrow(expect.objectContaining({ reason: 'path-escapes' }));
    expect(() => guestPath('a\0b')).toThrow(expect.objectContaining({ reason: 'path-invalid' }));
    expect(() => guestPath('x'.repeat(256))).toThrow(expect.objectContaining({ reason: 'path-invalid' }));
    expect(() => guestPath('x/'.repeat(2100))).toThrow(expect.objectContaining({ reason: 'path-invalid' }));
  });
});

describe('a file tree', () => {
  it('has every parent of what is added', () => {
    const builder = createFileTree();
    builder.add('/usr/lib/libc.so', file);
    expect([...builder.tree.keys()]).toEqual(['/usr', '/usr/lib', '/usr/lib/libc.so']);
  });

  it('lets what comes later take the place of what was there', () => {
    const builder = createFileTree();
    builder.add('/etc/conf.d/a', file);
    builder.add('/etc/conf.d', { kind: 'symlink', target: 'other' });
    expect(builder.get('/etc/conf.d/a')).toBeUndefined();
    builder.add('/etc/conf.d', file);
    expect(builder.get('/etc/conf.d')).toEqual(file);
    expect(() => builder.add('/etc/conf.d/a', file)).toThrow(/conf\.d is a file there/);
  });

  it('keeps a directory that is added again with all in it', () => {
    const builder = createFileTree();
    builder.add('/a/b', file);
    builder.add('/a', { kind: 'directory' });
    expect(builder.get('/a/b')).toEqual(file);
    builder.remove('/a');
    expect(builder.tree.size).toBe(0);
  });
});

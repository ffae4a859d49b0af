import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveUri } from './uri.ts';

describe('resolveUri', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nlv-uri-'));
    mkdirSync(join(dir, 'libvirt'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const at = (uri: string, uid: number) => {
    const { name, transport } = resolveUri(uri, false, { uid, env: { XDG_RUNTIME_DIR: dir }, systemDir: '/sys' });
    return [name, transport.description.replaceAll(dir, '$DIR')];
  };

  it.each([
    ['qemu:///system', 1000, 'qemu:///system', '/sys/libvirt-sock'],
    ['qemu:///system?mode=direct', 1000, 'qemu:///system', '/sys/virtqemud-sock'],
    ['qemu:///session', 0, 'qemu:///session', '/sys/libvirt-sock'],
    ['qemu:///session', 1000, 'qemu:///session', '$DIR/libvirt/libvirt-sock or $DIR/libvirt/virtqemud-sock'],
    ['qemu:///session?mode=legacy', 1000, 'qemu:///session', '$DIR/libvirt/libvirt-sock'],
    ['qemu+unix:///system?socket=/x/y', 1000, 'qemu:///system', '/x/y'],
    ['qemu+unix://?socket=/x/y', 1000, 'qemu:///session', '/x/y'],
    ['test:///default?socket=/x&foo=bar', 1000, 'test:///default?foo=bar', '/x'],
  ])('%s for uid %i opens %s at %s', (uri, uid, name, description) => {
    expect(at(uri, uid)).toEqual([name, description]);
  });

  it('takes the modular daemon where its socket lies', () => {
    writeFileSync(join(dir, 'libvirt/virtqemud-sock'), '');
    const { transport } = resolveUri('qemu:///system', false, { uid: 0, env: {}, systemDir: join(dir, 'libvirt') });
    expect(transport.description).toBe(join(dir, 'libvirt/virtqemud-sock'));
  });

  it("takes the system daemon's second socket to look and not touch", () => {
    const around = { uid: 1000, env: { XDG_RUNTIME_DIR: dir }, systemDir: '/sys' };
    expect(resolveUri('qemu:///system', true, around).transport.description).toBe('/sys/libvirt-sock-ro');
    expect(resolveUri('qemu:///session?mode=legacy', true, around).transport.description).toMatch(/libvirt-sock$/);
  });

  it('keeps session sockets in the cache folder when there is no runtime folder', () => {
    const env = { HOME: '/home/x' };
    const { transport } = resolveUri('qemu:///session?mode=legacy', false, { uid: 1000, env, systemDir: '/sys' });
    expect(transport.description).toBe('/home/x/.cache/libvirt/libvirt-sock');
  });

  it.each([
    ['qemu+ssh://ada@host:2222/system?keyfile=/k', 'qemu:///system', 'ada@host'],
    ['qemu+ssh://host/session?socket=/x', 'qemu:///session', 'host'],
    ['qemu+tls://host/system?pkipath=/p', 'qemu:///system', 'host:16514'],
    ['qemu+tls://[::1]:1/system', 'qemu:///system', '[::1]:1'],
  ])('%s opens %s on %s', (uri, name, description) => {
    expect(at(uri, 1000)).toEqual([name, description]);
  });

  it.each([
    'qemu+ssh:///system',
    'qemu+ssh://-oProxyCommand=x@host/system',
    'qemu+ssh://ada:secret@host/system',
    'qemu+tls://host/system?no_verify=1',
    'qemu+tcp://host/system',
    'qemu://host/system',
    'nonsense',
    'qemu:///system?mode=odd',
  ])('refuses %s', (uri) => {
    expect(() => at(uri, 1000)).toThrow(expect.objectContaining({ reason: 'bad-uri' }));
  });
});

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { createAccelerator } from './accelerator.ts';
import type { KvmAccess } from './kvm-access.ts';
import type { LibvirtLink } from './libvirt/libvirt-link.ts';
import type { KvmFinding } from './probe-kvm.ts';

const access: KvmAccess = { mode: 0o666, uid: 0, gid: 0, kvmGid: 107 };
const hangs: KvmFinding = { kind: 'tcg', reason: 'guests hang in KVM', conclusive: true };

describe('createAccelerator', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'fl-accel-'));
    writeFileSync(join(home, 'ember.elf'), 'kernel');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  function start(probe: () => Promise<KvmFinding>, options: { access?: KvmAccess | null; version?: string } = {}) {
    const link = {
      uri: 'qemu:///system',
      connection: async () => ({ hypervisorVersion: async () => ({ major: 7, minor: 2, release: 0 }) }),
    } as unknown as LibvirtLink;
    return createAccelerator({
      link,
      layout: createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 }),
      resources: { guestKernelPath: join(home, 'ember.elf'), version: options.version ?? '1.0.0' },
      fixed: undefined,
      onKnown: () => undefined,
      log: () => undefined,
      readAccess: async () => (options.access === undefined ? access : options.access),
      probe,
    });
  }

  it('boots a guest once, and keeps what it found for later starts, also when the kernel’s file is written anew', async () => {
    const probe = vi.fn(async () => hangs);
    expect(await start(probe).choose()).toMatchObject({ kind: 'tcg', reason: 'guests hang in KVM' });
    utimesSync(join(home, 'ember.elf'), 1, 1);
    expect(await start(probe).choose()).toMatchObject({ kind: 'tcg', reason: 'guests hang in KVM' });
    expect(probe).toHaveBeenCalledTimes(1);
    await start(probe, { version: '1.1.0' }).choose();
    expect(probe).toHaveBeenCalledTimes(2);
    await start(probe, { version: '1.1.0' }).probeAgain();
    expect(probe).toHaveBeenCalledTimes(3);
  });

  it('boots no guest where there is no device, or QEMU may not open it', async () => {
    const probe = vi.fn(async () => hangs);
    expect(await start(probe, { access: null }).choose()).toMatchObject({
      kind: 'tcg',
      reason: 'there is no /dev/kvm',
    });
    const closed = await start(probe, { access: { ...access, mode: 0o600 } }).choose();
    expect(closed).toMatchObject({ kind: 'tcg', reason: "/dev/kvm is closed to QEMU's user" });
    expect(probe).not.toHaveBeenCalled();
  });

  it('does not keep for long what a busy machine could not tell', async () => {
    const probe = vi.fn(async (): Promise<KvmFinding> => ({ ...hangs, conclusive: false }));
    await start(probe).choose();
    await start(probe).choose();
    expect(probe).toHaveBeenCalledTimes(1);
    vi.useFakeTimers({ now: Date.now() + 11 * 60_000, toFake: ['Date'] });
    await start(probe).choose();
    vi.useRealTimers();
    expect(probe).toHaveBeenCalledTimes(2);
  });
});

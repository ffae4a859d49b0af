import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { createAccelerator } from './accelerator.ts';
import type { KvmAccess } from './kvm-access.ts';
import type { KvmFinding, KvmProbe } from './probe-kvm.ts';
import { fakeVmm } from './testing/fake-vmm.ts';

const access: KvmAccess = { mode: 0o666, uid: 0, gid: 0, kvmGid: 107 };
/** A guest that is never booted here. */
const guest = (name: string) => ({ name, makeMachine: () => Promise.reject(new Error('not booted here')) });
const hangs: KvmFinding = { kind: 'tcg', reason: 'guests hang in KVM', conclusive: true };

describe('createAccelerator', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'fl-accel-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  function start(
    probe: (probe: KvmProbe) => Promise<KvmFinding>,
    options: { access?: KvmAccess | null; version?: string; host?: string; nanos?: string } = {},
  ) {
    return createAccelerator({
      vmm: fakeVmm({ uri: 'qemu:///system' }),
      host: options.host ?? 'local',
      layout: createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 }),
      version: options.version ?? '1.0.0',
      guestOf: async (runtime) => guest(runtime === 'nanos' ? (options.nanos ?? 'nanos-1') : runtime),
      fixed: undefined,
      onKnown: () => undefined,
      log: () => undefined,
      readAccess: async () => (options.access === undefined ? access : options.access),
      probe,
    });
  }

  it('boots a guest once, and keeps what it found for later starts', async () => {
    const probe = vi.fn(async () => hangs);
    expect(await start(probe).choose('ember')).toMatchObject({ kind: 'tcg', reason: 'guests hang in KVM' });
    expect(await start(probe).choose('ember')).toMatchObject({ kind: 'tcg', reason: 'guests hang in KVM' });
    expect(probe).toHaveBeenCalledTimes(1);
    await start(probe, { version: '1.1.0' }).choose('ember');
    expect(probe).toHaveBeenCalledTimes(2);
    await start(probe, { version: '1.1.0' }).probeAgain('ember');
    expect(probe).toHaveBeenCalledTimes(3);
  });

  it('chooses for each runtime by what its own kernel does', async () => {
    const probe = vi.fn(
      async ({ guest: { name } }: KvmProbe): Promise<KvmFinding> =>
        name === 'ember' ? { kind: 'kvm', reason: 'it ran', conclusive: true } : hangs,
    );
    const accelerator = start(probe);
    expect(accelerator.known('ember')).toBeNull();
    expect(await accelerator.choose('ember')).toMatchObject({ kind: 'kvm' });
    expect(await accelerator.choose('nanos')).toMatchObject({ kind: 'tcg' });
    expect(accelerator.known('ember')).toMatchObject({ kind: 'kvm' });
    expect(await start(probe).choose('nanos')).toMatchObject({ kind: 'tcg' });
    expect(probe).toHaveBeenCalledTimes(2);
    expect(await start(probe, { nanos: 'nanos-2' }).choose('nanos')).toMatchObject({ kind: 'tcg' });
    expect(probe).toHaveBeenCalledTimes(3);
  });

  it('shares one probe among those who ask at the same time', async () => {
    const probe = vi.fn(async () => hangs);
    const accelerator = start(probe);
    await Promise.all([accelerator.choose('ember'), accelerator.choose('ember')]);
    expect(probe).toHaveBeenCalledTimes(1);
  });

  it('keeps the findings of each host apart', async () => {
    const probe = vi.fn(async () => hangs);
    await start(probe).choose('ember');
    await start(probe, { host: 'lab' }).choose('ember');
    expect(probe).toHaveBeenCalledTimes(2);
    await start(probe).choose('ember');
    expect(probe).toHaveBeenCalledTimes(2);
  });

  it('boots no guest where there is no device, or QEMU may not open it', async () => {
    const probe = vi.fn(async () => hangs);
    expect(await start(probe, { access: null }).choose('ember')).toMatchObject({
      kind: 'tcg',
      reason: 'there is no /dev/kvm',
    });
    const closed = await start(probe, { access: { ...access, mode: 0o600 } }).choose('ember');
    expect(closed).toMatchObject({ kind: 'tcg', reason: "/dev/kvm is closed to QEMU's user" });
    expect(probe).not.toHaveBeenCalled();
  });

  it('repeats a probe without a clear result after some minutes', async () => {
    const probe = vi.fn(async (): Promise<KvmFinding> => ({ ...hangs, conclusive: false }));
    await start(probe).choose('ember');
    await start(probe).choose('ember');
    expect(probe).toHaveBeenCalledTimes(1);
    const longRunning = start(probe);
    await longRunning.choose('ember');
    expect(probe).toHaveBeenCalledTimes(1);
    vi.useFakeTimers({ now: Date.now() + 11 * 60_000, toFake: ['Date'] });
    probe.mockImplementation(async () => ({ kind: 'kvm', reason: 'it ran', conclusive: true }));
    try {
      // The studio, which runs for days, too.
      expect(await longRunning.choose('ember')).toMatchObject({ kind: 'kvm' });
      expect(await start(probe).choose('ember')).toMatchObject({ kind: 'kvm' });
    } finally {
      vi.useRealTimers();
    }
    expect(probe).toHaveBeenCalledTimes(2);
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import type { ProbeOutcome } from '#core/vmm/probe-boot.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createDirectBoot, type DirectRelease } from './direct-boot.ts';
import { markPvhKernel } from './pvh-kernel.ts';
import { makePvhKernel } from './testing/make-kernel.ts';

const vmm = { uri: 'test:///default' } as Vmm;

describe('createDirectBoot', () => {
  let home: string;
  let release: DirectRelease;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'fl-direct-'));
    writeFileSync(join(home, 'kernel.img'), makePvhKernel());
    writeFileSync(join(home, 'qboot.rom'), 'firmware');
    release = { version: '0.1.54', digest: 'd'.repeat(64), kernelImg: join(home, 'kernel.img') };
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const layout = () => createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  const start = (probe: () => Promise<ProbeOutcome>, firmware: string | null = join(home, 'qboot.rom')) =>
    createDirectBoot({ layout: layout(), log: () => undefined, firmware: () => firmware, probe });
  const kept = () => (existsSync(layout().probesDir) ? readdirSync(layout().probesDir) : []);

  describe('the finding', () => {
    it('is what a boot shows, once for a release, a firmware and an accelerator', async () => {
      const probe = vi.fn(async (): Promise<ProbeOutcome> => ({ kind: 'spoke' }));
      const direct = start(probe);
      expect(await direct.isKnownToWork(release, 'tcg', vmm)).toBe(false);
      await Promise.all([
        direct.findOut(release, { accel: 'tcg', vmm }),
        direct.findOut(release, { accel: 'tcg', vmm }),
      ]);
      expect(await direct.isKnownToWork(release, 'tcg', vmm)).toBe(true);
      expect(probe).toHaveBeenCalledTimes(1);

      const later = start(probe);
      const progress = vi.fn();
      expect(await later.isKnownToWork(release, 'tcg', vmm)).toBe(true);
      await later.findOut(release, { accel: 'tcg', vmm, progress });
      expect(probe).toHaveBeenCalledTimes(1);
      expect(progress).not.toHaveBeenCalled();

      await later.findOut(release, { accel: 'kvm', vmm, progress });
      await later.findOut({ ...release, digest: 'e'.repeat(64) }, { accel: 'tcg', vmm });
      writeFileSync(join(home, 'qboot.rom'), 'another firmware');
      expect(await later.isKnownToWork(release, 'tcg', vmm)).toBe(false);
      await later.findOut(release, { accel: 'tcg', vmm });
      expect(probe).toHaveBeenCalledTimes(4);
      expect(progress).toHaveBeenCalledTimes(1);
    });

    it('is kept when the kernel is silent too', async () => {
      const probe = vi.fn(async (): Promise<ProbeOutcome> => ({ kind: 'silent' }));
      await start(probe).findOut(release, { accel: 'tcg', vmm });
      const later = start(probe);
      await later.findOut(release, { accel: 'tcg', vmm });
      expect(await later.isKnownToWork(release, 'tcg', vmm)).toBe(false);
      expect(probe).toHaveBeenCalledTimes(1);
    });

    it('is not kept for long when a busy machine gave no clear result', async () => {
      for (const outcome of [{ kind: 'late' }, { kind: 'refused', cause: new Error('no') }] as ProbeOutcome[]) {
        const probe = vi.fn(async () => outcome);
        const direct = start(probe);
        await direct.findOut(release, { accel: 'tcg', vmm });
        await start(probe).findOut(release, { accel: 'tcg', vmm });
        expect(probe).toHaveBeenCalledTimes(1);
        vi.useFakeTimers({ now: Date.now() + 11 * 60_000, toFake: ['Date'] });
        await direct.findOut(release, { accel: 'tcg', vmm });
        vi.useRealTimers();
        expect(probe).toHaveBeenCalledTimes(2);
        rmSync(layout().probesDir, { recursive: true });
      }
    });

    it('is not kept, and no error, when libvirt is lost; the next start tries again', async () => {
      const lost = new FirstlightError('LIBVIRT_LOST', 'The connection ended.');
      const probe = vi.fn(async (): Promise<ProbeOutcome> => Promise.reject(lost));
      const direct = start(probe);
      await direct.findOut(release, { accel: 'tcg', vmm });
      await direct.findOut(release, { accel: 'tcg', vmm });
      expect(probe).toHaveBeenCalledTimes(2);
      expect(kept()).toEqual([]);
    });

    it('is not waited for by who cancels, and comes nevertheless', async () => {
      let speak = (_outcome: ProbeOutcome) => {};
      const outcome = new Promise<ProbeOutcome>((resolve) => {
        speak = resolve;
      });
      const direct = start(() => outcome);
      const cancelling = new AbortController();
      const asked = direct.findOut(release, { accel: 'tcg', vmm, signal: cancelling.signal });
      cancelling.abort();
      await asked;
      expect(await direct.isKnownToWork(release, 'tcg', vmm)).toBe(false);
      speak({ kind: 'spoke' });
      await direct.findOut(release, { accel: 'tcg', vmm });
      expect(await direct.isKnownToWork(release, 'tcg', vmm)).toBe(true);
    });

    it('is clear without a boot where there is no such firmware, or no entry', async () => {
      const probe = vi.fn(async (): Promise<ProbeOutcome> => ({ kind: 'spoke' }));
      await start(probe, null).findOut(release, { accel: 'tcg', vmm });
      expect(await start(probe, null).isKnownToWork(release, 'tcg', vmm)).toBe(false);
      writeFileSync(release.kernelImg, makePvhKernel().subarray(0, 0x2000));
      const direct = start(probe);
      await direct.findOut(release, { accel: 'tcg', vmm });
      expect(await direct.isKnownToWork(release, 'tcg', vmm)).toBe(false);
      expect(probe).not.toHaveBeenCalled();
    });
  });

  describe('the kernel', () => {
    const direct = () => start(async () => ({ kind: 'silent' }));

    it('is a copy that says when it is entered, made once', async () => {
      const loaded = await direct().kernel(release);
      expect(loaded?.path.startsWith(layout().kernelsDir)).toBe(true);
      expect(readFileSync(loaded?.path ?? '')).toEqual(markPvhKernel(makePvhKernel()));
      rmSync(release.kernelImg);
      expect(await direct().kernel(release)).toEqual(loaded);
    });

    it('is the release’s own where it is laid out otherwise', async () => {
      const other = makePvhKernel();
      other[0x480] = 1;
      writeFileSync(release.kernelImg, other);
      expect(await direct().kernel(release)).toEqual({ path: release.kernelImg, cmdline: '' });
    });

    it('is refused where it has no entry', async () => {
      writeFileSync(release.kernelImg, 'no kernel');
      await expect(direct().kernel(release)).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: 'The kernel of Nanos 0.1.54 has no PVH entry, which direct boot needs.',
      });
    });
  });
});

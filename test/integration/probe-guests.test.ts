import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { nanosProbeGuest } from '#core/runtimes/nanos/boot/probe-disk.ts';
import { createReleases } from '#core/runtimes/nanos/releases/releases.ts';
import { createLayout, type Layout } from '#core/store/layout.ts';
import { createLibvirtVmm } from '#core/vmm/libvirt/libvirt-vmm.ts';
import { probeBoot } from '#core/vmm/probe-boot.ts';
import { kernelProbeGuest, type ProbeGuest } from '#core/vmm/probe-guest.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { createSecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { createSshd, whyNoSshd } from './sshd.ts';
import { domains, makeHome, removeHome, resources, until, whyNot } from './studio.ts';

const nothing = () => undefined;
const listener = {
  onState: nothing,
  onLost: nothing,
  onReopened: nothing,
  onStarted: nothing,
  onPaused: nothing,
  onResumed: nothing,
  onEnded: nothing,
};
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const unfit = whyNot();

/** The decision about KVM must not depend on KVM: each of these guests prints where it is emulated. */
describe.skipIf(unfit !== null)(`the guests of probes${unfit === null ? '' : ` (skipped: ${unfit})`}`, () => {
  const home = unfit === null ? makeHome() : '';
  const uid = process.getuid?.() ?? 0;
  const layout: Layout = createLayout({ home, env: {}, uid });
  let vmm: Vmm;
  afterEach(async () => {
    await until('the probes are gone', () => !domains().some((name) => name.startsWith('firstlight-probe')));
    await vmm.close();
  });
  afterAll(() => removeHome(home));

  async function speaks(guest: ProbeGuest, uri = uid === 0 ? 'qemu:///system' : 'qemu:///session'): Promise<string> {
    vmm = createLibvirtVmm({ uri, uid, listener });
    const outcome = await probeBoot({
      vmm,
      layout,
      title: 'Firstlight: a probe’s guest',
      doing: 'boot a probe’s guest',
      makeMachine: (makeDiskDir) => guest.makeMachine('tcg', makeDiskDir),
      isMarker: guest.isMarker,
      patienceMs: 30_000,
      totalMs: 60_000,
    });
    return outcome.kind;
  }

  it('print with the kernel of Ember', async () => {
    expect(await speaks(kernelProbeGuest(layout, 'ember', resources.pathOf(shipped.emberKernel)))).toBe('spoke');
  });

  it.skipIf(nanosDir === undefined)(
    `print with a release of Nanos${nanosDir === undefined ? ' (skipped: FIRSTLIGHT_NANOS_DIR names no build of Nanos)' : ''}`,
    async () => {
      const releases = createReleases({ layout });
      await releases.install(
        { from: nanosDir ?? '', accept: false },
        { progress: nothing, signal: new AbortController().signal },
      );
      const guest = await nanosProbeGuest(layout, releases);
      expect(guest.name).toMatch(/^nanos-[0-9a-f]{16}$/);
      expect(await speaks(guest)).toBe('spoke');
      // The kernel itself prints this: neither the firmware nor the boot code.
      const ran = 'unable to open program file /firstlight-probe';
      let printed = '';
      const isMarker = (chunk: Uint8Array) => {
        printed += Buffer.from(chunk).toString('latin1');
        return printed.includes(ran);
      };
      expect(await speaks({ ...guest, isMarker })).toBe('spoke');
      expect(guest.isMarker?.(Buffer.from(ran))).toBe(true);
    },
  );

  const whyNoOther =
    nanosDir === undefined ? 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' : (whyNoSecondLibvirtd() ?? whyNoSshd());
  it.skipIf(whyNoOther !== null)(
    `print with a release of Nanos on another host${whyNoOther === null ? '' : ` (skipped: ${whyNoOther})`}`,
    async () => {
      const dir = makeHome();
      const other = createSecondLibvirtd(dir, { hidden: [home] });
      // By SSH: a socket of this machine is taken for a daemon that shares its files.
      const sshd = await createSshd(join(dir, 'sshd'));
      await Promise.all([sshd.start(), other.start()]);
      try {
        const releases = createReleases({ layout });
        await releases.install(
          { from: nanosDir ?? '', accept: false },
          { progress: nothing, signal: new AbortController().signal },
        );
        expect(
          await speaks(
            await nanosProbeGuest(layout, releases),
            sshd.uri('/system', { socket: join(dir, 'sockets/libvirt-sock') }),
          ),
        ).toBe('spoke');
        await until('the probe is gone', () => other.domains().length === 0);
      } finally {
        other.destroyDomains();
        await other.kill();
        await sshd.kill();
        removeHome(dir);
      }
    },
  );
});

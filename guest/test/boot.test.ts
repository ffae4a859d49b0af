import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { buildGuest } from '../../build/guest.mjs';
import { Functions } from './functions.ts';

const built = await buildGuest({ log: console.error });
const functions = new Functions();
afterEach(() => functions.stopAll());
afterAll(() => functions.close());

const hello = `
  let calls = 0;
  export default async function handler(event, context) {
    calls += 1;
    return { hello: event.name ?? 'world', calls, runtime: context.runtime };
  }`;

const bootMarks = ['entry', 'kernel', 'memory', 'discovery', 'devices', 'runtime', 'function'];
const callMarks = ['invoke', 'handler', 'returned', 'respond'];

describe('boot', () => {
  for (const machine of ['pc', 'q35'] as const) {
    for (const firmware of ['ours', 'qboot', 'seabios'] as const) {
      it(`answers on ${machine} with ${firmware === 'ours' ? 'our own firmware' : firmware}`, async () => {
        const rom = firmware === 'ours' ? { firmwarePath: built.firmwarePath } : { firmware };
        const guest = await functions.boot(hello, { machine, ...rom });
        expect(JSON.parse(await guest.answer({ name: 'Ada' }))).toEqual({ hello: 'Ada', calls: 1, runtime: 'ember' });
        expect(JSON.parse(await guest.answer({}))).toMatchObject({ hello: 'world', calls: 2 });
        expect(guest.console()).not.toContain('ember:');
      });
    }
  }

  it('answers an invocation that was written before the guest ran', async () => {
    const guest = await functions.boot(hello, { paused: true });
    guest.sendInvoke({ name: 'early' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await guest.resume();
    await guest.hello();
    const frame = await guest.next();
    expect(frame).toMatchObject({ type: 'response', id: 1, status: 200 });
  });

  it('answers one of a megabyte that was written before the guest ran', async () => {
    const guest = await functions.boot('export default (event) => event.text.length;', { paused: true });
    guest.sendInvoke({ text: 'x'.repeat(1_000_000) });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await guest.resume();
    await guest.hello();
    const frame = await guest.next();
    expect(frame.type === 'response' && new TextDecoder().decode(frame.body)).toBe('1000000');
  });

  it('boots with the device behind a PCIe root port, as libvirt places it', async () => {
    for (const rom of [{ firmwarePath: built.firmwarePath }, { firmware: 'qboot' }, { firmware: 'seabios' }] as const) {
      const guest = await functions.boot(hello, {
        machine: 'q35',
        ...rom,
        controller: [
          '-device',
          'pcie-root-port,id=rp1,chassis=1,slot=1',
          '-device',
          'virtio-serial-pci,id=vs0,bus=rp1',
        ],
      });
      expect(JSON.parse(await guest.answer({ name: 'Eve' }))).toMatchObject({ hello: 'Eve' });
    }
  });

  it('boots with the device behind a switch and beside ports with nothing behind them', async () => {
    for (const rom of [{ firmwarePath: built.firmwarePath }, { firmware: 'qboot' }, { firmware: 'seabios' }] as const) {
      const guest = await functions.boot(hello, {
        machine: 'q35',
        ...rom,
        controller: [
          ...['-device', 'pcie-root-port,id=rp1,chassis=1,slot=1'],
          ...['-device', 'pcie-root-port,id=rp2,chassis=2,slot=2'],
          ...['-device', 'x3130-upstream,id=up,bus=rp2'],
          ...['-device', 'xio3130-downstream,id=down1,bus=up,chassis=3,slot=3'],
          ...['-device', 'xio3130-downstream,id=down2,bus=up,chassis=4,slot=4'],
          ...['-device', 'virtio-serial-pci,id=vs0,bus=down2'],
        ],
      });
      expect(JSON.parse(await guest.answer({ name: 'Ida' }))).toMatchObject({ hello: 'Ida' });
    }
  });

  it('boots in the least memory that the image says, and with 3 GiB', async () => {
    const image = await functions.bake(hello);
    for (const rom of [{ firmwarePath: built.firmwarePath }, { firmware: 'qboot' }, { firmware: 'seabios' }] as const) {
      for (const memoryMiB of [image.minMemoryMiB, 3072]) {
        const guest = await functions.start({ image: image.path, memoryMiB, ...rom });
        expect(JSON.parse(await guest.answer({ name: 'Tim' }))).toMatchObject({ hello: 'Tim' });
      }
    }
  });

  it('says how much memory it needs when there is too little', async () => {
    const image = await functions.bake(hello);
    const guest = await functions.start({ image: image.path, memoryMiB: 32 });
    await expect.poll(() => guest.console(), { timeout: 5000 }).toContain('not enough memory');
  });

  it('takes marks in order, and maps them by ping', async () => {
    const guest = await functions.boot(hello);
    const first = await guest.invoke({});
    expect(first.marks.map((mark) => mark.name)).toEqual([...bootMarks, ...callMarks]);
    const ticks = first.marks.map((mark) => mark.tsc);
    expect(ticks.every((tick, i) => tick > (ticks[i - 1] ?? 0n))).toBe(true);
    expect(first.tscNow).toBeGreaterThanOrEqual(ticks.at(-1) as bigint);

    const before = process.hrtime.bigint();
    const ping = await guest.ping(before);
    expect(ping.hostNs).toBe(before);
    expect(ping.tscSent).toBeGreaterThanOrEqual(ping.tscReceived);
    /** The quickest of some round trips: the test machine is shared. */
    const quickest = async () => {
      let best = { widthNs: Number.POSITIVE_INFINITY, hostNs: 0, ticks: 0, hz: 0 };
      for (let i = 0; i < 10; i++) {
        const sentNs = Number(process.hrtime.bigint());
        const pong = await guest.ping(BigInt(sentNs));
        const widthNs = Number(process.hrtime.bigint()) - sentNs;
        if (widthNs < best.widthNs)
          best = { widthNs, hostNs: sentNs, ticks: Number(pong.tscReceived), hz: Number(pong.tscHz) };
      }
      return best;
    };
    const early = await quickest();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const late = await quickest();
    const guestNs = ((late.ticks - early.ticks) / late.hz) * 1e9;
    expect(guestNs / (late.hostNs - early.hostNs)).toBeCloseTo(1, 1.7);

    const second = await guest.invoke({});
    expect(second.marks.slice(0, bootMarks.length)).toEqual(first.marks.slice(0, bootMarks.length));
    expect(second.marks.at(-1)?.tsc).toBeGreaterThan(first.marks.at(-1)?.tsc as bigint);
  });

  it('attaches the engine and makes a plain answer in few instructions', async () => {
    // QEMU's counter counts instructions; these steps wait for nothing.
    const extra = ['-icount', 'shift=0,sleep=off'];
    const guest = await functions.boot(
      `const rows = Array.from({ length: 100 }, (_, id) => ({ id, name: 'row ' + id, isOdd: id % 2 === 1 }));
      export default async ({ name }) => (name === undefined ? rows : { hello: name });`,
      { extra },
    );
    const { marks } = await guest.hello();
    const frame = await guest.invoke({ name: 'Ada' }, { tscHz: 1_000_000_000n });
    const between = (all: typeof marks, from: string, to: string) => {
      const at = (name: string) => Number(all.find((mark) => mark.name === name)?.tsc ?? 0n);
      return at(to) - at(from);
    };
    // The engine's table of 532 functions is a constant.
    expect(between(marks, 'devices', 'runtime')).toBeLessThan(500);
    // A built-in function that QuickJS made only now would take some 2,000, and so would a context for the handler.
    expect(between(frame.marks, 'handler', 'returned')).toBeLessThan(13_500);
    // JSON.stringify and the check before it would take 28,000, and 28,000 for each row.
    expect(between(frame.marks, 'returned', 'respond')).toBeLessThan(4_500);
    const rows = await guest.invoke({});
    expect(between(rows.marks, 'returned', 'respond')).toBeLessThan(700_000);
  });

  it('uses next to no CPU while it waits', async () => {
    const spin = 'export default ({ ms }) => { for (const end = Date.now() + ms; Date.now() < end; ); };';
    const guest = await functions.boot(spin);
    await guest.answer({ ms: 0 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [before, waitMs] = [guest.cpuMs(), 2000];
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const waiting = guest.cpuMs();
    await guest.answer({ ms: waitMs });
    // Compared with a guest that works for as long, which the same machine slows down equally.
    expect(waiting - before).toBeLessThan((guest.cpuMs() - waiting) / 10);
  });
});

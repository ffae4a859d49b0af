import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';

const functions = new Functions();
afterEach(() => functions.stopAll());
afterAll(() => functions.close());

const cases = `
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const cases = {
    hello: () => ({ hello: 'world' }),
    sleep: async () => { const from = performance.now(); await sleep(50); return performance.now() - from; },
    spin: () => { for (;;); },
    deep: () => new Function('return ' + '()=>'.repeat(2500) + '1') && 1,
    log: () => console.log('x'.repeat(1000)),
    float: () => [0.1 + 0.2, Math.sqrt(2), 1e308 * 10],
  };
  export default (event) => cases[event.run]();`;

const reason = whyNoKvm();
describe.skipIf(reason !== null)(`under KVM${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  for (const machine of ['pc', 'q35'] as const) {
    it(`answers on ${machine}`, async () => {
      const guest = await functions.boot(cases, { accel: 'kvm', machine });
      expect(JSON.parse(await guest.answer({ run: 'hello' }))).toEqual({ hello: 'world' });
      expect(JSON.parse(await guest.answer({ run: 'float' }))).toEqual([0.1 + 0.2, Math.SQRT2, null]);
    });
  }

  it('sleeps, prints, and ends a loop at its deadline', async () => {
    const guest = await functions.boot(cases, { accel: 'kvm' });
    expect(Number(await guest.answer({ run: 'sleep' }))).toBeGreaterThanOrEqual(50);
    await guest.invoke({ run: 'log' });
    expect(guest.console()).toContain('x'.repeat(1000));
    expect(await guest.fails({ run: 'spin' }, { deadlineMs: 300 })).toMatchObject({ code: 'TIMEOUT', fatal: false });
    expect(JSON.parse(await guest.answer({ run: 'hello' }))).toEqual({ hello: 'world' });
  });

  it('decodes a crash of the engine, and powers off', async () => {
    const guest = await functions.boot(cases, { accel: 'kvm', memoryMiB: 256 });
    const exited = new Promise((resolve) => guest.process.once('exit', resolve));
    expect(await guest.fails({ run: 'deep' })).toMatchObject({ code: 'CRASHED', fatal: true });
    await exited;
    expect(guest.console()).toMatch(/ember: page fault \(vector 14, error 0x[46]\)/);
    expect(guest.console()).toMatch(/calls \(from the stack, newest first\):\r\n {2}[0-9a-f]{16} {2}qjs:/);
  });
});

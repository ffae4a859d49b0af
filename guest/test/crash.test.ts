import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { encodePing } from '../../core/runtimes/ember/channel.ts';
import { Functions } from './functions.ts';

const functions = new Functions();
afterEach(() => functions.stopAll());
afterAll(() => functions.close());

/** Nested arrow functions make QuickJS's compiler recurse without a check past the end of its own stack. */
const crashing = `export default (event) => event.deep ? new Function('return ' + '()=>'.repeat(event.deep) + '1') && 1 : 'fine';`;

describe('a crash of the engine', () => {
  it('is decoded on the console, reported to the host, and ends the machine', async () => {
    const guest = await functions.boot(crashing, { memoryMiB: 256 });
    expect(await guest.answer({})).toBe('"fine"');
    const exited = new Promise((resolve) => guest.process.once('exit', resolve));
    const error = await guest.fails({ deep: 2500 });
    expect(error).toMatchObject({ code: 'CRASHED', fatal: true });
    expect(error.message).toMatch(/stack|memory outside its heap/);
    await exited;
    const text = guest.console();
    expect(text).toMatch(/ember: page fault \(vector 14, error 0x[46]\)/);
    expect(text).toMatch(/(read|write) at [0-9a-f]{16}, page not present/);
    expect(text).toMatch(/rip [0-9a-f]{16} {2}qjs:\w+\+0x/);
    expect(text).toMatch(
      / {2}rax [0-9a-f]{16} {2}rbx [0-9a-f]{16} [\s\S]* r15 [0-9a-f]{16}\r\n {2}rflags [0-9a-f]+ {2}cs 23/,
    );
    expect(text).toMatch(/marks \(counts since entry\): kernel \d+ memory \d+ .* invoke \d+ handler \d+\r\n/);
    expect(text).toMatch(/calls \(from the stack, newest first\):\r\n {2}[0-9a-f]{16} {2}qjs:/);
  });

  it('is a panic when the image has no function', async () => {
    const { kernelPath } = await import('../../build/guest.mjs').then(({ buildGuest }) => buildGuest());
    const guest = await functions.start({ image: kernelPath });
    // The marks come last.
    await expect
      .poll(() => guest.console(), { timeout: 15_000 })
      .toMatch(/marks \(counts since entry\): kernel \d+ memory \d+\r\n/);
    expect(guest.console()).toContain('ember: panic: this kernel carries no function');
    expect(guest.console()).toMatch(
      / {2}rip [0-9a-f]{16} {2}ember_main\+0x\w+\r\n {2}rax [0-9a-f]{16} [\s\S]* rsp 0000000001d[0-9a-f]{5}\r\n[\s\S]* cs 23\r\n/,
    );
  });
});

describe('a host that breaks the protocol', () => {
  it('hears of an unknown type and of a frame too short, and goes on', async () => {
    const guest = await functions.boot('export default () => 1;');
    await guest.hello();
    const unknown = encodePing(3, 0n);
    unknown[4] = 77;
    guest.write(unknown);
    expect(await guest.next()).toMatchObject({ type: 'error', id: 3, code: 'PROTOCOL', fatal: false });
    const short = encodePing(4, 0n);
    short[4] = 2;
    guest.write(short);
    expect(await guest.next()).toMatchObject({ type: 'error', id: 4, code: 'PROTOCOL', fatal: false });
    expect(await guest.answer({})).toBe('1');
  });

  it('is abandoned when frames can no longer be separated', async () => {
    for (const [at, value] of [
      [5, 9],
      [3, 0xff],
    ] as const) {
      const guest = await functions.boot('export default () => 1;');
      await guest.hello();
      const frame = encodePing(3, 0n);
      frame[at] = value;
      guest.write(frame);
      expect(await guest.next()).toMatchObject({ type: 'error', code: 'PROTOCOL', fatal: true });
    }
  });
});

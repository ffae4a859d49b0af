import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Functions } from './functions.ts';

const functions = new Functions();
afterEach(() => functions.stopAll());
afterAll(() => functions.close());

/** A machine whose handler runs the named case. */
const boot = (cases: string, options = {}) =>
  functions.boot(`${cases}\nexport default (event, context) => cases[event.run](event, context);`, options);

describe('a handler that fails', () => {
  it('gives the message and a stack that names the line, and stays usable', async () => {
    const guest = await functions.boot(`
function inner() {
  throw new RangeError('too far');
}
export default async function handler(event) {
  if (event.ok) return 'fine';
  inner();
}`);
    const error = await guest.fails({});
    expect(error).toMatchObject({ code: 'FUNCTION_THREW', name: 'RangeError', message: 'too far', fatal: false });
    expect(error.stack).toMatch(/at inner \(bundle\.js:3:\d+\)/);
    expect(error.stack).toMatch(/at handler \(bundle\.js:7:\d+\)/);
    expect(await guest.answer({ ok: true })).toBe('"fine"');
  });

  it('names what was thrown when it is not an Error', async () => {
    const guest = await boot(`const cases = {
      string: () => { throw 'words'; },
      object: async () => { throw { code: 7 }; },
      none: () => Promise.reject(undefined),
      symbol: () => { throw Symbol('s'); },
    };`);
    expect((await guest.fails({ run: 'string' })).message).toContain('"words"');
    expect((await guest.fails({ run: 'object' })).message).toContain('{"code":7}');
    expect((await guest.fails({ run: 'none' })).message).toContain('undefined');
    expect((await guest.fails({ run: 'symbol' })).message).toContain('Symbol(s)');
  });

  it('is stopped at its deadline, and the guest stays usable', async () => {
    const guest = await boot(`const cases = {
      spin: () => { for (;;) {} },
      asyncSpin: async () => { await null; try { for (;;) {} } finally { for (;;) {} } },
      sleep: () => new Promise((resolve) => setTimeout(resolve, 60000)),
      jobs: async () => { for (;;) await null; },
      regexp: () => /^(a+)+$/.test('a'.repeat(40) + 'b'),
      fine: () => 'fine',
    };`);
    for (const run of ['spin', 'asyncSpin', 'sleep', 'regexp']) {
      const started = performance.now();
      const error = await guest.fails({ run }, { deadlineMs: 300 });
      expect(error, run).toMatchObject({
        code: 'TIMEOUT',
        fatal: false,
        name: '',
        message: 'The handler did not settle within 300 ms.',
      });
      expect(performance.now() - started).toBeGreaterThan(290);
      if (run === 'spin') expect(error.stack).toContain('bundle.js:2');
      expect(await guest.answer({ run: 'fine' })).toBe('"fine"');
    }
    expect(await guest.fails({ run: 'jobs' }, { deadlineMs: 300 })).toMatchObject({ code: 'TIMEOUT' });
  });

  it('names the line of an endless loop, and what called it', async () => {
    const guest = await functions.boot(`
function spin(from) {
  let n = Math.abs(from);
  while (true) {
    const step = 1;
    n += step;
  }
}
async function work() {
  await null;
  spin(1);
}
export default async function handler() {
  await work();
}`);
    const error = await guest.fails({}, { deadlineMs: 300 });
    expect(error.code).toBe('TIMEOUT');
    expect(error.stack).toMatch(/^ *at spin \(bundle\.js:6:\d+\)\n *at work \(bundle\.js:11:\d+\)/);
  });

  it('reports its heap with each answer', async () => {
    const guest = await functions.boot(`
let kept = [];
export default function handler({ keep }) {
  kept = keep ? new Array(50_000).fill(0).map((_, n) => [n]) : [];
}`);
    const heapAfter = async (event: unknown) => (await guest.invoke(event)).heap;
    const { heap: atBoot } = await guest.hello();
    const first = await heapAfter({});
    const full = await heapAfter({ keep: true });
    const emptied = await heapAfter({});
    expect(full.usedBytes - first.usedBytes).toBeGreaterThan(1_000_000);
    expect(full.pages).toBeGreaterThan(atBoot.pages);
    expect(emptied.usedBytes).toBeLessThan(first.usedBytes + 100_000);
    expect(emptied.pages).toBe(full.pages);
  });

  it('runs out of memory with an error, and the guest stays usable', async () => {
    const guest = await boot(
      `const cases = {
        grow: () => { const kept = []; for (;;) kept.push(new Uint8Array(1 << 16)); },
        strings: () => { let text = 'x'; for (;;) text += text + String(text.length); },
        objects: async () => { await null; const kept = []; for (;;) kept.push({ a: 1, b: [1, 2, 3] }); },
        fine: () => 'fine',
      };`,
      { memoryMiB: 40 },
    );
    for (const run of ['grow', 'objects', 'grow']) {
      expect(await guest.fails({ run }, { deadlineMs: 20_000 }), run).toMatchObject({
        code: 'OUT_OF_MEMORY',
        fatal: false,
      });
      expect(await guest.answer({ run: 'fine' })).toBe('"fine"');
    }
    const error = await guest.fails({ run: 'strings' }, { deadlineMs: 20_000 });
    expect(['OUT_OF_MEMORY', 'FUNCTION_THREW']).toContain(error.code);
    expect(await guest.answer({ run: 'fine' })).toBe('"fine"');
  });

  it('recurses without end and gets a RangeError', async () => {
    const guest = await boot(`const cases = {
      plain: () => { const f = (n) => f(n + 1) + 1; return f(0); },
      method: () => { const o = { toString() { return String(this) } }; return String(o); },
      sort: () => { const f = () => [2, 1].sort(() => f()); return f(); },
      replace: () => { const f = () => 'a'.replace(/a/, f); return f(); },
      json: () => { const f = () => JSON.stringify({ toJSON: f }); return f(); },
      parse: () => JSON.parse('['.repeat(200000)),
      proxy: () => { let p = {}; for (let i = 0; i < 200000; i++) p = new Proxy(p, {}); return p.x ?? 'none'; },
      eval: () => new Function('return ' + '('.repeat(100000) + ')'.repeat(100000))(),
      regexp: () => new RegExp('('.repeat(50000) + ')'.repeat(50000)).test('a'),
      fine: () => 'fine',
    };`);
    for (const run of ['plain', 'method', 'sort', 'replace', 'json', 'parse', 'eval', 'regexp', 'proxy']) {
      const frame = await guest.invoke({ run }, { deadlineMs: 20_000 });
      if (run !== 'proxy') expect(frame.type === 'error' ? frame.code : frame.type, run).toBe('FUNCTION_THREW');
      expect(frame.type === 'error' && frame.fatal, run).toBe(false);
      expect(await guest.answer({ run: 'fine' })).toBe('"fine"');
    }
  });

  it('never settles and is reported at once', async () => {
    const guest = await boot(`const cases = {
      never: () => new Promise(() => {}),
      fine: () => 'fine',
    };`);
    expect(await guest.fails({ run: 'never' })).toMatchObject({ code: 'NEVER_SETTLED', fatal: false });
    expect(await guest.answer({ run: 'fine' })).toBe('"fine"');
  });

  it('returns what cannot be sent and hears where it is', async () => {
    const guest = await boot(`const loop = {}; loop.a = [loop];
    const cases = {
      fn: () => ({ a: { b: [1, () => 2] } }),
      sym: () => [Symbol('x')],
      big: () => ({ big: 10n }),
      loop: () => loop,
      plain: () => function f() {},
      body: () => ({ status: 200, body: { at: () => 1 } }),
      status: () => ({ status: 999, body: '' }),
      interim: () => ({ status: 101, body: '' }),
      header: () => ({ headers: { a: {} }, body: '' }),
      cookie: () => ({ headers: { 'Set-Cookie': 'a\\nb' }, body: '' }),
    };`);
    const words = async (run: string) => {
      const error = await guest.fails({ run });
      expect(error.code).toBe('UNSENDABLE');
      return error.message;
    };
    expect(await words('fn')).toContain('function at a.b[1]');
    expect(await words('sym')).toContain('symbol at [0]');
    expect(await words('big')).toContain('BigInt at big');
    expect(await words('loop')).toContain('contains itself at a[0]');
    expect(await words('plain')).toContain('function at the top level');
    expect(await words('body')).toContain('function at body.at');
    expect(await words('status')).toContain('status');
    expect(await words('interim')).toContain('status that is not a whole number from 200 to 599');
    expect(await words('header')).toContain('"a"');
    expect(await words('cookie')).toContain('cookie with a line feed');
  });

  it('gets an event that is not JSON and says so', async () => {
    const guest = await boot('const cases = {};');
    expect(await guest.fails('{"a":')).toMatchObject({ code: 'BAD_EVENT' });
  });
});

describe('a loop of built-ins that take long', () => {
  it('is stopped near its deadline, though it makes few steps', async () => {
    // QEMU's counter counts instructions: a look at the deadline every 10,000 steps would come after some 10^10.
    const extra = ['-icount', 'shift=0,sleep=off'];
    const guest = await functions.boot(
      `export default () => { const text = 'a'.repeat(50_000); for (let i = 0, n = 0; i < 1e9; i++) n += text.indexOf('ab'); };`,
      { extra },
    );
    const error = await guest.fails({}, { deadlineMs: 20, tscHz: 1_000_000_000n });
    expect(error.code).toBe('TIMEOUT');
    const at = (name: string) => Number(error.marks.find((mark) => mark.name === name)?.tsc ?? 0n);
    expect(at('returned') - at('invoke')).toBeGreaterThan(20_000_000);
    expect(at('returned') - at('invoke')).toBeLessThan(30_000_000);
  });
});

describe('a handler that answers', () => {
  it('sends JSON, text, bytes and nothing, with status and headers', async () => {
    const guest = await boot(`const cases = {
      json: () => ({ a: [1, null, 'é😀'] }),
      text: () => ({ status: 201, headers: { 'X-A': 1 }, body: 'héllo' }),
      string: () => 'just a string',
      bytes: () => ({ body: new Uint8Array([0, 255, 1, 2]).subarray(1) }),
      bareBytes: () => new Uint8Array([0, 255, 1, 2]).subarray(2),
      buffer: () => ({ headers: { 'Content-Type': 'image/png' }, body: new ArrayBuffer(3) }),
      nothing: () => undefined,
      null: () => null,
      bodyNull: () => ({ status: 404, body: null }),
      notResponse: () => ({ body: 1, extra: 2 }),
      thenable: () => ({ then: (resolve) => resolve(5) }),
    };`);
    const call = async (run: string) => {
      const frame = await guest.invoke({ run });
      if (frame.type === 'error') throw new Error(frame.message);
      return [
        frame.status,
        frame.bodyKind,
        frame.bodyKind === 'bytes' ? [...frame.body] : new TextDecoder().decode(frame.body),
        frame.headers,
      ];
    };
    const json = { 'content-type': 'application/json' };
    expect(await call('json')).toEqual([200, 'json', '{"a":[1,null,"é😀"]}', json]);
    expect(await call('text')).toEqual([
      201,
      'text',
      'héllo',
      { 'x-a': '1', 'content-type': 'text/plain; charset=utf-8' },
    ]);
    expect(await call('string')).toEqual([200, 'json', '"just a string"', json]);
    expect(await call('bytes')).toEqual([200, 'bytes', [255, 1, 2], { 'content-type': 'application/octet-stream' }]);
    expect(await call('bareBytes')).toEqual([200, 'bytes', [1, 2], { 'content-type': 'application/octet-stream' }]);
    expect(await call('buffer')).toEqual([200, 'bytes', [0, 0, 0], { 'content-type': 'image/png' }]);
    expect(await call('nothing')).toEqual([204, 'none', '', {}]);
    expect(await call('null')).toEqual([200, 'json', 'null', json]);
    expect(await call('bodyNull')).toEqual([404, 'none', '', {}]);
    expect(await call('notResponse')).toEqual([200, 'json', '{"body":1,"extra":2}', json]);
    expect(await call('thenable')).toEqual([200, 'json', '5', json]);
  });

  it('refuses an event that does not fit its memory, and takes the next failure for what it is', async () => {
    const guest = await boot(`const cases = { fail: () => { throw new Error('mine'); } };`, { memoryMiB: 40 });
    const text = 'x'.repeat(12 << 20);
    expect(await guest.fails({ run: 'fail', text })).toMatchObject({ code: 'OUT_OF_MEMORY', fatal: false });
    expect(await guest.fails({ run: 'fail' })).toMatchObject({ code: 'FUNCTION_THREW', message: 'mine' });
  });

  it('takes and gives bodies of 16 MiB', async () => {
    const guest = await boot(
      `const cases = {
        length: (event) => event.text.length,
        text: (event) => ({ body: 'ab'.repeat(event.half) }),
        bytes: (event) => { const b = new Uint8Array(event.count); for (let i = 0; i < b.length; i += 4096) b[i] = i >> 12; return { body: b }; },
      };`,
      { memoryMiB: 256 },
    );
    const big = 16 * 1024 * 1024;
    expect(await guest.answer({ run: 'length', text: 'x'.repeat(big - 100) }, { deadlineMs: 20_000 })).toBe(
      String(big - 100),
    );
    const text = await guest.answer({ run: 'text', half: big / 2 }, { deadlineMs: 20_000 });
    expect(text.length).toBe(big);
    expect(text === 'ab'.repeat(big / 2)).toBe(true);
    const bytes = await guest.invoke({ run: 'bytes', count: big }, { deadlineMs: 20_000 });
    expect(bytes.type === 'response' && bytes.body.length).toBe(big);
    expect(
      bytes.type === 'response' && bytes.body.every((byte, i) => byte === (i % 4096 === 0 ? (i >> 12) & 255 : 0)),
    ).toBe(true);
    expect(await guest.fails({ run: 'text', half: big })).toMatchObject({ code: 'UNSENDABLE' });
  });

  it('has timers, a clock, random numbers, env and a console', async () => {
    const guest = await boot(
      `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const cases = {
        timers: async () => {
          const seen = [];
          const started = Date.now();
          setTimeout(() => seen.push('b'), 300);
          setTimeout(() => seen.push('a'), 20);
          clearTimeout(setTimeout(() => seen.push('x'), 10));
          const interval = setInterval(() => seen.push('i'), 15);
          await sleep(400);
          clearInterval(interval);
          return { seen: seen.join(''), took: Date.now() - started };
        },
        clock: () => [Date.now(), new Date().toISOString(), performance.now()],
        random: () => [Math.random(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))]],
        env: () => process.env,
        log: () => { console.log('one', { a: [1, 'x'] }, new Map([[1, 2]])); console.error('two\\nlines %d%%', 5); return 'ok'; },
        text: () => new TextDecoder().decode(new TextEncoder().encode('aé€😀\\ud800')) + atob(btoa('hi')),
        clone: () => { const a = { d: new Date(0), m: new Map([[1, { x: 2 }]]) }; a.self = a; const b = structuredClone(a); return [b !== a, b.self === b, b.d.getTime(), b.m.get(1).x]; },
      };`,
      { env: { COLOR: 'blue' } },
    );
    const timers = JSON.parse(await guest.answer({ run: 'timers' }));
    expect(timers.seen.replaceAll('i', '')).toBe('ab');
    expect(timers.seen).toMatch(/i.*i.*i/);
    expect(timers.took).toBeGreaterThanOrEqual(400);

    const wallNs = 1_700_000_000_000_000_000n;
    const [now, iso] = JSON.parse(await guest.answer({ run: 'clock' }, { wallNs }));
    expect(now).toBeGreaterThanOrEqual(1_700_000_000_000);
    expect(new Date(iso).getTime()).toBeGreaterThanOrEqual(now);
    expect(iso).toMatch(/^2023-11-14T22:1/);

    const random = JSON.parse(await guest.answer({ run: 'random' }, { seed: randomBytes(32) }));
    const other = JSON.parse(await guest.answer({ run: 'random' }, { seed: randomBytes(32) }));
    expect(random[0]).toBeGreaterThanOrEqual(0);
    expect(random[0]).toBeLessThan(1);
    expect(random[0]).not.toBe(random[1]);
    expect(random[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(other).not.toEqual(random);

    expect(JSON.parse(await guest.answer({ run: 'env' }))).toEqual({ COLOR: 'blue' });
    expect(await guest.answer({ run: 'log' })).toBe('"ok"');
    expect(guest.console()).toContain(
      "one { a: [ 1, 'x' ] } Map(1) { 1 => 2 }\r\n\x1b[39;31mtwo\r\nlines 5%\r\n\x1b[31;39m",
    );
    expect(JSON.parse(await guest.answer({ run: 'text' }))).toBe('aé€😀\ufffdhi');
    expect(JSON.parse(await guest.answer({ run: 'clone' }))).toEqual([true, true, 0, 2]);
  });

  it('starts each boot of one image with other random numbers', async () => {
    const image = await functions.bake('export default () => [Math.random(), crypto.randomUUID()];');
    const answers = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const guest = await functions.start({ image: image.path });
      answers.add(await guest.answer({}));
    }
    expect(answers.size).toBe(3);
  });
});

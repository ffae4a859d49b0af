import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { greeting, type WireMark } from '../session/wire.ts';
import { createFunctionServers } from '../testing/function-server.ts';

const servers = createFunctionServers();
afterEach(() => servers.stopAll());
afterAll(() => servers.close());

/** A server whose handler runs the named case. */
const boot = (cases: string) =>
  servers.start(`${cases}\nexport default (event, context) => cases[event.run](event, context);`);

describe('a function in the guest’s Node.js', () => {
  it('sends JSON, text, bytes and nothing, with status and headers, as on Ember', async () => {
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
      const answer = await guest.invoke({ run });
      if (answer.type !== 'response') throw new Error(JSON.stringify(answer));
      return [answer.status, answer.kind, answer.body, answer.headers];
    };
    const json = { 'content-type': 'application/json' };
    const binary = { 'content-type': 'application/octet-stream' };
    const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');
    expect(await call('json')).toEqual([200, 'json', '{"a":[1,null,"é😀"]}', json]);
    const text = { 'x-a': '1', 'content-type': 'text/plain; charset=utf-8' };
    expect(await call('text')).toEqual([201, 'text', 'héllo', text]);
    expect(await call('string')).toEqual([200, 'json', '"just a string"', json]);
    expect(await call('bytes')).toEqual([200, 'bytes', base64(255, 1, 2), binary]);
    expect(await call('bareBytes')).toEqual([200, 'bytes', base64(1, 2), binary]);
    expect(await call('buffer')).toEqual([200, 'bytes', base64(0, 0, 0), { 'content-type': 'image/png' }]);
    expect(await call('nothing')).toEqual([204, 'none', '', {}]);
    expect(await call('null')).toEqual([200, 'json', 'null', json]);
    expect(await call('bodyNull')).toEqual([404, 'none', '', {}]);
    expect(await call('notResponse')).toEqual([200, 'json', '{"body":1,"extra":2}', json]);
    expect(await call('thenable')).toEqual([200, 'json', '5', json]);
  });

  it('sends what a web Response says', async () => {
    const guest = await boot(`const cases = {
      json: () => Response.json({ a: 1 }, { status: 201 }),
      text: () => new Response('héllo'),
      bytes: () => new Response(new Uint8Array([255, 0])),
      lying: () => new Response(new Uint8Array([255, 0]), { headers: { 'content-type': 'text/plain' } }),
      redirect: () => Response.redirect('http://a.example/b'),
      none: async () => new Response(null, { status: 204 }),
      derived: () => new (class Mine extends Response {})('<a/>', { headers: { 'content-type': 'image/svg+xml' } }),
      cookies: () => new Response('', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }),
      used: async () => { const response = new Response('x'); await response.text(); return response; },
    };`);
    const call = async (run: string) => {
      const answer = await guest.invoke({ run });
      return answer.type === 'response' ? [answer.status, answer.kind, answer.body] : [answer.type];
    };
    expect(await call('json')).toEqual([201, 'text', '{"a":1}']);
    expect(await call('text')).toEqual([200, 'text', 'héllo']);
    expect(await call('bytes')).toEqual([200, 'bytes', '/wA=']);
    expect(await call('lying')).toEqual([200, 'bytes', '/wA=']);
    expect(await call('redirect')).toEqual([302, 'none', '']);
    expect(await call('none')).toEqual([204, 'none', '']);
    expect(await call('derived')).toEqual([200, 'text', '<a/>']);
    expect(await guest.invoke({ run: 'cookies' })).toMatchObject({ headers: { 'set-cookie': 'a=1\nb=2' } });
    expect(await guest.fails({ run: 'used' })).toMatchObject({ code: 'FUNCTION_THREW' });
  });

  it('gets the event, and a context that counts', async () => {
    const guest = await servers.start('export default (event, context) => ({ event, ...context });');
    const first = { event: { a: ['é'] }, functionName: 'tested', runtime: 'nanos', invocationId: '1' };
    expect(JSON.parse(await guest.answer({ a: ['é'] }))).toEqual(first);
    expect(JSON.parse(await guest.answer(null))).toMatchObject({ event: null, invocationId: '2' });
  });

  it('reports what was thrown with the lines of the bundle, and stays usable', async () => {
    const guest = await servers.start(`
function inner() {
  throw new RangeError('too far');
}
export default async function handler(event) {
  if (event.ok) return 'fine';
  await null;
  inner();
}`);
    const error = await guest.fails({});
    expect(error).toMatchObject({ code: 'FUNCTION_THREW', message: 'RangeError: too far' });
    expect(error.stack).toMatch(/at inner \(bundle\.js:3:\d+\)\n +at handler \(bundle\.js:8:\d+\)/);
    expect(await guest.answer({ ok: true })).toBe('"fine"');
  });

  it('is loaded from CommonJS as well', async () => {
    const guest = await servers.start('exports.default = function handler() {\n  throw new Error("here");\n};', 'cjs');
    const error = await guest.fails({});
    expect(error).toMatchObject({ code: 'FUNCTION_THREW', message: 'Error: here' });
    expect(error.stack).toMatch(/ at (?:exports\.default|handler)[^\n]* \(bundle\.js:2:9\)/);
  });

  it('names what was thrown when it is not an Error', async () => {
    const guest = await boot(`const cases = {
      string: () => { throw 'words'; },
      object: async () => { throw { code: 7 }; },
      none: () => Promise.reject(undefined),
      symbol: () => { throw Symbol('s'); },
    };`);
    for (const [run, words] of Object.entries({ string: '"words"', object: '{"code":7}', none: 'undefined' })) {
      const message = `The handler threw ${words}, which is not an Error.`;
      expect(await guest.fails({ run })).toMatchObject({ code: 'FUNCTION_THREW', message });
    }
    expect((await guest.fails({ run: 'symbol' })).message).toContain('Symbol(s)');
  });

  it('says where what cannot be sent is', async () => {
    const guest = await boot(`const loop = {}; loop.a = [loop];
    const cases = {
      fn: () => ({ a: { b: [1, () => 2] } }),
      sym: () => [Symbol('x')],
      big: () => ({ big: 10n }),
      loop: () => loop,
      plain: () => function f() {},
      body: () => ({ status: 200, body: { at: () => 1 } }),
      status: () => ({ status: 999, body: '' }),
      header: () => ({ headers: { a: {} }, body: '' }),
    };`);
    const words = async (run: string) => {
      const error = await guest.fails({ run });
      expect(error.code).toBe('RESPONSE_NOT_SERIALIZABLE');
      return error.message;
    };
    expect(await words('fn')).toContain('function at a.b[1]');
    expect(await words('sym')).toContain('symbol at [0]');
    expect(await words('big')).toContain('BigInt at big');
    expect(await words('loop')).toContain('contains itself at a[0]');
    expect(await words('plain')).toContain('function at the top level');
    expect(await words('body')).toContain('function at body.at');
    expect(await words('status')).toContain('status');
    expect(await words('header')).toContain('"a"');
  });

  it('is reported at its deadline when it waits for nothing, and stays usable', async () => {
    const guest = await boot('const cases = { never: () => new Promise(() => {}), fine: () => 1 };');
    const error = await guest.fails({ run: 'never' }, 50);
    expect(error).toMatchObject({ code: 'FUNCTION_TIMEOUT', message: 'The function did not answer within 50 ms.' });
    expect(await guest.answer({ run: 'fine' })).toBe('1');
  });

  it('takes and gives bodies of 16 MiB, and no longer ones', async () => {
    const guest = await boot(`const cases = {
      length: (event) => event.text.length,
      text: (event) => ({ body: 'ab'.repeat(event.half) }),
      json: (event) => 'x'.repeat(event.count),
      bytes: (event) => ({ body: new Uint8Array(event.count).fill(7) }),
    };`);
    const big = 16 * 1024 * 1024;
    expect(await guest.answer({ run: 'length', text: 'é'.repeat(big / 2) })).toBe(String(big / 2));
    expect((await guest.answer({ run: 'text', half: big / 2 })) === 'ab'.repeat(big / 2)).toBe(true);
    const bytes = await guest.invoke({ run: 'bytes', count: big });
    const sent = Buffer.from(bytes.type === 'response' ? bytes.body : '', 'base64');
    expect(sent.equals(Buffer.alloc(big, 7))).toBe(true);
    for (const event of [
      { run: 'text', half: big },
      { run: 'json', count: big },
      { run: 'bytes', count: big + 1 },
    ]) {
      const { code, message } = await guest.fails(event);
      expect([code, message]).toEqual([
        'RESPONSE_NOT_SERIALIZABLE',
        expect.stringMatching(/at most 16777216 can be sent/),
      ]);
    }
  });

  it('serves two connections at once, one invocation of each at a time', async () => {
    const guest = await boot(`let open = [];
    const cases = {
      wait: () => new Promise((resolve) => open.push(resolve)),
      free: () => { for (const resolve of open) resolve('freed'); return open.length; },
    };`);
    const other = await guest.connect();
    const [waiting, behind] = [guest.answer({ run: 'wait' }), guest.answer({ run: 'free' })];
    // The second of this connection waits for the first, which only the other connection can end.
    while ((await other.answer({ run: 'free' })) === '0') await new Promise((resolve) => setTimeout(resolve, 5));
    expect([await waiting, await behind]).toEqual(['"freed"', '1']);
  });

  it('is none the worse for a connection that speaks no protocol, or comes in pieces', async () => {
    const guest = await boot('const cases = { fine: () => 1 };');
    expect(await guest.raw(['FIRSTLIGHT/1\n', 'what is not JSON\n'])).toBe('');
    expect(await guest.raw(['FIRSTLIGHT/1\n', 'null\n'])).toBe('');
    expect(await guest.raw(['FIRST'], { end: true })).toBe('');
    const ping = { type: 'ping', id: 7 };
    expect(JSON.parse(await guest.raw(['FIRST', 'LIGHT/1', '\n', ...JSON.stringify(ping), '\n']))).toMatchObject({
      id: 7,
    });
    expect(await guest.raw(['GE', 'T /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'])).toMatch(/^HTTP\/1.1 500/);
    expect(await guest.answer({ run: 'fine' })).toBe('1');
  });

  it('takes variables until it is called, and none from then on', async () => {
    const env = (TOKEN: string) => `${JSON.stringify({ type: 'env', id: 3, env: { TOKEN } })}\n`;
    const server = await servers.start('export default () => process.env.TOKEN ?? null;');
    expect(JSON.parse(await server.raw([greeting, env('first')]))).toMatchObject({ type: 'pong', id: 3 });
    expect(JSON.parse(await server.raw([greeting, env('second')]))).toMatchObject({ type: 'pong' });
    expect(await server.answer({})).toBe('"second"');
    expect(await server.raw([greeting, env('third')])).toBe('');
    expect(await server.answer({})).toBe('"second"');
    const other = await servers.start('export default () => process.env.TOKEN ?? null;');
    await fetch(other.url);
    expect(await other.raw([greeting, env('late')])).toBe('');
  });

  it('has its arguments as if Node.js had been started with it, and takes others until it is called', async () => {
    const code = 'const first = process.argv.slice(2); export default () => [first, ...process.argv];';
    const server = await servers.start(code, 'mjs', ['-v', 'é "x"']);
    const args = `${JSON.stringify({ type: 'env', id: 3, args: ['other', ''] })}\n`;
    expect(JSON.parse(await server.raw([greeting, args]))).toMatchObject({ type: 'pong', id: 3 });
    expect(JSON.parse(await server.answer({}))).toEqual([
      ['-v', 'é "x"'],
      process.execPath,
      expect.stringMatching(/\d\.mjs$/),
      ...['other', ''],
    ]);
    expect(await server.raw([greeting, args])).toBe('');
  });

  it('has its marks in the order of time', async () => {
    const guest = await boot('const cases = { fine: () => 1 };');
    const answer = await guest.invoke({ run: 'fine' });
    if (answer.type === 'pong') throw new Error('a pong');
    const booted = ['node.started', 'function.loading', 'function.loaded', 'listening'];
    const names = [...booted, 'handler.called', 'handler.returned'];
    expect(answer.marks.map(([name]) => name)).toEqual(names);
    const ats = answer.marks.map(([, at]) => at);
    const ticks = [...ats.slice(0, booted.length), answer.received, ...ats.slice(booted.length), answer.sent];
    expect(ticks).toEqual([...ticks].sort((a, b) => a - b));
  });

  it('marks the time that the handler takes, and says that it is called before it is', async () => {
    const guest = await boot(`const cases = {
      wait: () => new Promise((resolve) => setTimeout(resolve, 30)),
      never: () => new Promise(() => undefined),
      spin: () => { for (;;); },
    };`);
    const at = (marks: readonly WireMark[], name: string) => marks.find(([mark]) => mark === name)?.[1] ?? Number.NaN;
    const answer = await guest.invoke({ run: 'wait' });
    if (answer.type === 'pong') throw new Error('a pong');
    expect(at(answer.marks, 'handler.returned') - at(answer.marks, 'handler.called')).toBeGreaterThanOrEqual(25e6);
    const late = await guest.fails({ run: 'never' }, 20);
    expect(late.marks.map(([name]) => name)).toContain('handler.called');
    expect(late.marks.map(([name]) => name)).not.toContain('handler.returned');
    const spinning = { type: 'invoke', id: 9, event: { run: 'spin' }, deadlineMs: 1000 };
    const notice = await guest.raw([greeting, `${JSON.stringify(spinning)}\n`]);
    expect(JSON.parse(notice)).toMatchObject({ type: 'called', id: 9 });
  });
});

describe('a function that brings Node.js down', () => {
  it.each([
    ['exit', 'The function ended Node.js, with exit code 3.', 'at Object.exit (bundle.js:2:', 3],
    ['exitLater', 'The function ended Node.js, with exit code 0.', 'later [as _onTimeout] (bundle.js:3:', 0],
    ['reject', 'Error: unseen', 'at Object.reject (bundle.js:4:', 1],
    ['throwLater', 'TypeError: late', 'later [as _onTimeout] (bundle.js:5:', 1],
    ['odd', 'rejected with the reason', '', 1],
  ])('by %s: waiting callers get an error, and it ends', async (run, message, stack, exitCode) => {
    const guest = await servers.start(`const cases = {
      exit: () => process.exit(3),
      exitLater: () => new Promise(() => setTimeout(function later() { process.exit(0); }, 5)),
      reject: () => { Promise.reject(new Error('unseen')); return new Promise(() => {}); },
      throwLater: () => new Promise(() => setTimeout(function later() { throw new TypeError('late'); }, 5)),
      odd: () => { Promise.reject({ code: 7 }); return new Promise(() => {}); },
      wait: () => { waiting += 1; return new Promise(() => {}); },
      waiting: () => waiting,
    };
    let waiting = 0;
    export default (event) => cases[event.run ?? event.query.run]();`);
    const other = await guest.connect();
    const onWire = other.fails({ run: 'wait' });
    const onHttp = fetch(`${guest.url}?run=wait`);
    while ((await guest.answer({ run: 'waiting' })) !== '2') await new Promise((resolve) => setTimeout(resolve, 5));
    const error = await guest.fails({ run });
    expect(error.code).toBe('FUNCTION_CRASHED');
    expect(error.message).toContain(message);
    expect(error.stack).toContain(stack);
    expect(await onWire).toMatchObject({ code: 'FUNCTION_CRASHED', message: error.message });
    const answer = await onHttp;
    expect([answer.status, await answer.json()]).toEqual([500, { error: error.message }]);
    expect(await guest.exitCode()).toBe(exitCode);
    expect(guest.output().includes('Uncaught')).toBe(exitCode === 1);
  });

  it('ends also when nobody waits, unless it sees to it by itself', async () => {
    const unseen = 'setTimeout(() => { throw new Error("unseen"); }, 50);\nexport default () => 1;';
    const ended = await servers.start(unseen);
    expect(await ended.exitCode()).toBe(1);
    expect(ended.output()).toMatch(/Uncaught Error: unseen\n +at /);
    const alive = await servers.start(`process.on('uncaughtException', () => console.log('seen'));\n${unseen}`);
    while (!alive.output().includes('seen')) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await alive.answer({})).toBe('1');
  });

  it('while it is loaded: every call gets the reason', async () => {
    const guest = await servers.start(`function load() {
  throw new SyntaxError('not today');
}
load();
export default () => 1;`);
    for (let i = 0; i < 2; i++) {
      const error = await guest.fails({});
      const message = "The function's module failed while it was loaded. SyntaxError: not today";
      expect([error.code, error.message]).toEqual(['EVALUATION_THREW', message]);
      expect(error.stack).toContain('at load (bundle.js:2:');
    }
    expect(guest.output()).toContain('SyntaxError: not today');
  });

  it('by exporting no function: every call gets the reason', async () => {
    const guest = await servers.start('export default { a: 1 };');
    const message = 'The default export is object, not a function.';
    expect(await guest.fails({})).toMatchObject({ code: 'EXPORT_MISSING', message });
  });
});

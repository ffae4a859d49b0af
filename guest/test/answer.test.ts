import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Functions } from './functions.ts';
import type { Machine } from './machine.ts';

/** Expressions whose value is plain data, which the guest writes without the engine's JSON.stringify. */
const plain = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1',
    '-1',
    '2147483647',
    '-2147483648',
    '2147483648',
    '1.5',
    '-0.1',
    '1e21',
    '5e-324',
  ],
  ...[
    '1.7976931348623157e308',
    '0.1 + 0.2',
    '123456789012345680000',
    'NaN',
    'Infinity',
    '-Infinity',
    '-1e-7',
    '2 ** 53',
  ],
  ...[
    '""',
    '"a"',
    '"quote \\" back \\\\ slash /"',
    '"\\b\\t\\n\\f\\r\\v\\0\\x1f\\x7f"',
    '"é ü \\u0080 \\u07ff \\u0800"',
    '"\\ud7ff\\ue000\\uffff"',
  ],
  ...[
    '"😀 \\u2028 \\u2029"',
    '"\\ud800"',
    '"a\\udfffb"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00\\ud83d"',
    '"x".repeat(5000) + "\\n".repeat(5000)',
  ],
  ...[
    '"ab" + ["c"].join("") + "é".repeat(300)',
    '(() => { let t = ""; for (let i = 0; i < 2000; i++) t += "rope" + i; return t; })()',
  ],
  ...['[]', '{}', '[[]]', '[{}]', '({ a: [] })', '[1, "b", null, undefined, true, NaN]', '[undefined]'],
  ...[
    '({ b: 1, a: 2, 10: 3, 9: 4, "": 5, "é": 6, "a\\"b": 7 })',
    '({ a: undefined, b: undefined })',
    '({ a: undefined, b: 1, c: undefined, d: 2 })',
  ],
  ...[
    '({ __proto__: null, a: 1 })',
    'new (class Point { x = 1; #y = 2; get z() { return 3; } })()',
    'Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })',
  ],
  ...[
    '({ [Symbol("s")]: 1, a: 2 })',
    '({ length: 3, statusCode: 200 })',
    '({ then: undefined, toJSON: undefined })',
    '[{ then: 1 }, { body: "b" }]',
    'Object.assign([1, 2], { extra: 3 })',
  ],
  ...[
    'Object.freeze({ a: Object.freeze([1]) })',
    'Array.from({ length: 1000 }, (_, i) => i % 3 ? i / 7 : { id: i, name: "row " + i })',
    'JSON.parse("[".repeat(60) + "]".repeat(60))',
  ],
  ...[
    '(() => { const shared = { a: 1 }; return [shared, shared, { shared }]; })()',
    '(() => { const o = { a: 1, b: 2, c: 3 }; delete o.b; o.b = 4; return o; })()',
  ],
  ...[
    'Object.fromEntries(Array.from({ length: 300 }, (_, i) => ["k" + i, i]))',
    'Object.getOwnPropertyDescriptors({ a: 1 })',
    '"é".split("").concat("ab".match(/b/).index)',
  ],
] as const;

/** More than plain data, with the same answer as of JSON.stringify. */
const rich = [
  ...[
    'new Date(0)',
    '[new Date(0)]',
    '({ at: new Date(1e12) })',
    'new Map([[1, 2]])',
    'new Set([1])',
    '/x/g',
    'new Error("e")',
    '({ a: new Error("e") })',
  ],
  ...[
    'Object("boxed")',
    'Object(1)',
    '[Object(true)]',
    '({ get a() { return { b: 1 }; } })',
    '[1, , 3]',
    'new Array(3)',
    '({ toJSON: () => "mine" })',
    '({ a: { toJSON: (key) => "of " + key } })',
  ],
  ...[
    'new (class { toJSON() { return 5; } })()',
    'new Proxy({ a: 1 }, {})',
    'new Proxy([1, 2], {})',
    '({ a: new Proxy([{ b: 1 }], {}) })',
    '[new Uint8Array([1, 2])]',
    '({ a: new ArrayBuffer(2) })',
  ],
  ...[
    'Object.defineProperty([1, 2], 0, { get: () => 7, enumerable: true })',
    'JSON.parse("[".repeat(200) + "]".repeat(200))',
    '({ then: 1 })',
    '({ body: 1, more: 2 })',
  ],
  ...[
    '(function () { return arguments; })(1, 2)',
    'Object.defineProperty({}, "toJSON", { value: () => "hidden" })',
    '({ a: 1, ["__proto__"]: { b: 2 } })',
    'Object.setPrototypeOf([1], { toJSON: () => "far" })',
  ],
] as const;

describe('an answer', () => {
  const functions = new Functions();
  let guest: Machine;
  beforeAll(async () => {
    guest = await functions.boot(`
      const inherited = (name, value, rest) => {
        Object.defineProperty(Object.prototype, name, { value, configurable: true });
        return rest;
      };
      export default ({ source, restore }) => {
        if (restore !== undefined) delete Object.prototype[restore];
        return (0, eval)('(inherited) => (' + source + ')')(inherited);
      };`);
  });
  afterAll(() => functions.close());

  const jsonOf = (source: string): unknown => runInNewContext(`JSON.stringify((${source}))`);
  for (const source of plain) {
    it(`of plain data is what JSON.stringify makes: ${source}`, async () => {
      expect(await guest.answer({ source })).toBe(jsonOf(source));
    });
  }
  for (const source of rich) {
    it(`of more than plain data is so too: ${source}`, async () => {
      expect(await guest.answer({ source })).toBe(jsonOf(source));
    });
  }

  it('may be of a type whose prototype has changed', async () => {
    expect(await guest.answer({ source: 'inherited("toJSON", () => "all", { a: [1] })' })).toBe('"all"');
    const later = await guest.answer({ source: 'inherited("then", (take) => take(5), [1])', restore: 'toJSON' });
    expect(later).toBe('5');
    const response = await guest.invoke({ source: 'inherited("body", "inherited", {})', restore: 'then' });
    expect(response).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' } });
    expect(await guest.answer({ source: '[1]', restore: 'body' })).toBe('[1]');
  });

  it('with a status and headers has the body that JSON.stringify makes', async () => {
    const body = (source: string, rest = '') => guest.invoke({ source: `({ status: 201, ${rest} body: ${source} })` });
    const text = async (source: string, rest?: string) => {
      const frame = await body(source, rest);
      expect(frame).toMatchObject({ type: 'response', status: 201 });
      return frame.type === 'response' ? [new TextDecoder().decode(frame.body), frame.headers] : [];
    };
    const json = { 'content-type': 'application/json' };
    expect(await text('{ a: [1, "é"] }')).toEqual(['{"a":[1,"é"]}', json]);
    expect(await text('{ body: 1, then: 2 }')).toEqual(['{"body":1,"then":2}', json]);
    expect(await text('{ at: new Date(0) }')).toEqual(['{"at":"1970-01-01T00:00:00.000Z"}', json]);
    const headers = 'headers: { Body: "b", then: 5, "X-Quoted": "\\"q\\"", toJSON: true },';
    const given = Object.fromEntries(
      Object.entries({ body: 'b', 'x-quoted': '"q"', tojson: 'true' }).concat([['then', '5']]),
    );
    expect(await text('[true]', headers)).toEqual(['[true]', { ...given, ...json }]);
    expect(await text('new Map()', headers)).toEqual(['{}', { ...given, ...json }]);
    expect(await text('7', 'headers: new Map([["Content-Type", "text/csv"]]),')).toEqual([
      '7',
      { 'content-type': 'text/csv' },
    ]);
    expect(await text('"words"', headers)).toEqual([
      'words',
      { ...given, 'content-type': 'text/plain; charset=utf-8' },
    ]);
    expect(await body('{ a: () => 1 }')).toMatchObject({ type: 'error', code: 'UNSENDABLE' });
    expect(await body('{ a: 1 }', 'headers: { a: {} },')).toMatchObject({ type: 'error', code: 'UNSENDABLE' });
  });

  it('that cannot be sent is refused with its place, whatever was written before', async () => {
    const refused = {
      '({ a: 1, b: [1, () => 2] })': 'a function at b[1]',
      '({ a: { b: Symbol() } })': 'a symbol at a.b',
      '[1, [2n]]': 'a BigInt at [1][0]',
      '(() => { const a = { b: {} }; a.b.c = [a]; return a; })()': 'contains itself at b.c[0]',
    };
    for (const [source, words] of Object.entries(refused)) {
      const error = await guest.fails({ source });
      expect(error, source).toMatchObject({ code: 'UNSENDABLE' });
      expect(error.message, source).toContain(words);
    }
    expect(await guest.fails({ source: '({ a: 1, get b() { throw new RangeError("mine"); } })' })).toMatchObject({
      code: 'FUNCTION_THREW',
      name: 'RangeError',
    });
  });

  it('of plain data runs none of its code, and leaves nothing on the heap', async () => {
    const source = 'Array.from({ length: 50 }, (_, i) => ({ i, text: "text " + i, half: i / 2 }))';
    const frames = [];
    for (let i = 0; i < 12; i++) frames.push(await guest.invoke({ source }));
    const used = frames.map(({ heap }) => heap.usedBytes);
    expect(used.at(-1)).toBeLessThanOrEqual((used[2] as number) + 1000);
  });
});

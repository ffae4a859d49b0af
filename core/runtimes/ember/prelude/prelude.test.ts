import { describe, expect, it } from 'vitest';
import { openFunction } from '../testing/open-function.ts';

/** The value of an expression in the guest's engine. */
async function resultOf(expression: string): Promise<unknown> {
  const { call } = await openFunction(`export default async () => ({ value: await (${expression}) });`);
  return ((await call()).body as { value?: unknown }).value;
}
async function printedBy(statements: string): Promise<string> {
  const open = await openFunction(`export default () => { ${statements} };`);
  await open.call();
  return open.printed();
}

describe('TextEncoder', () => {
  it('encodes into a buffer as far as whole characters fit', async () => {
    const expression = (text: string, bytes: number) =>
      `(() => { const to = new Uint8Array(${bytes}); const said = new TextEncoder().encodeInto(${JSON.stringify(text)}, to); return { ...said, bytes: [...to] }; })()`;
    for (const [text, bytes] of [
      ['héllo', 10],
      ['a€b', 3],
      ['😀x', 4],
      ['😀x', 3],
      ['a\ud800b', 9],
    ] as const) {
      const to = new Uint8Array(bytes);
      const said = new TextEncoder().encodeInto(text, to);
      expect(await resultOf(expression(text, bytes)), text).toEqual({ ...said, bytes: [...to] });
    }
  });
});

describe('TextDecoder', () => {
  it('keeps a character that is cut in two for the next piece', async () => {
    expect(
      await resultOf(
        '(() => { const d = new TextDecoder(); return d.decode(new Uint8Array([112, 0xe2]), { stream: true }) + d.decode(new Uint8Array([0x82]), { stream: true }) + d.decode(new Uint8Array([0xac, 33])); })()',
      ),
    ).toBe('p€!');
    expect(
      await resultOf(
        '(() => { const d = new TextDecoder(); return d.decode(new Uint8Array([112, 0xe2]), { stream: true }) + d.decode() + d.decode(new Uint8Array([65])); })()',
      ),
    ).toBe('p\ufffdA');
  });

  it('decodes every way to cut a text as Node does', async () => {
    const bytes = [0xef, 0xbb, 0xbf, ...Buffer.from('aé€😀'), 0xff, 0xe2, 0x82, 0x41, 0xf0, 0x9f];
    const code = `export default ({ bytes, label, fatal }) => {
      const out = [];
      for (let cut = 0; cut <= bytes.length; cut++) {
        const decoder = new TextDecoder(label, { fatal });
        try {
          out.push(decoder.decode(new Uint8Array(bytes.slice(0, cut)), { stream: true }) + decoder.decode(new Uint8Array(bytes.slice(cut))));
        } catch (error) { out.push(error.name); }
      }
      return out;
    };`;
    const { call } = await openFunction(code);
    const inNode = new Function('event', `${code.replace('export default', 'return (')}`.replace(/;$/, ')(event);'));
    for (const label of ['utf-8', 'utf-16le', 'utf-16be', 'latin1']) {
      for (const fatal of [false, true]) {
        const event = { bytes, label, fatal };
        expect((await call(event)).body, `${label} ${fatal}`).toEqual(inNode(event));
      }
    }
  });

  it('says which encodings there are', async () => {
    await expect(resultOf("new TextDecoder('shift_jis')")).rejects.toThrow(/RangeError: TextDecoder here knows utf-8/);
  });
});

describe('the console', () => {
  it('draws tables', async () => {
    expect(await printedBy("console.table([{ a: 1, b: 'x' }, { a: 2, b: 'y' }])")).toBe(
      `┌─────────┬───┬─────┐
│ (index) │ a │ b   │
├─────────┼───┼─────┤
│ 0       │ 1 │ 'x' │
│ 1       │ 2 │ 'y' │
└─────────┴───┴─────┘
`,
    );
    expect(await printedBy("console.table({ one: [1, 2], two: 'x' }, ['1'])")).toContain('│ one     │ 2 │        │');
    expect(await printedBy('console.table(new Map([["k", { v: 1 }]]))')).toContain(
      "│ 0                 │ 'k' │ { v: 1 } │",
    );
    expect(await printedBy('console.table(5)')).toBe('5\n');
  });

  it('has every method that Node has', async () => {
    const names = Object.keys(console).filter((name) => !/^(_|Console$|context$|createTask$)/.test(name));
    const missing = await resultOf(`${JSON.stringify(names)}.filter((name) => typeof console[name] !== 'function')`);
    expect(missing).toEqual([]);
  });

  it('groups, counts and times', async () => {
    const text = await printedBy(
      "console.groupCollapsed('g'); console.count(); console.countReset(); console.count(); console.groupEnd(); console.dirxml({ a: 1 }); console.time('t'); console.timeLog('t', { more: 1 }); console.timeEnd('t'); console.timeEnd('t'); console.assert(false, 'no %s', 'way');",
    );
    expect(text.replace(/[\d.]+ms/g, 'ms')).toBe(
      "g\n  default: 1\n  default: 1\n{ a: 1 }\nt: ms { more: 1 }\nt: ms\n\x1b[39;31mWarning: No such label 't' for console.timeEnd()\n\x1b[31;39m\x1b[39;31mAssertion failed: no way\n\x1b[31;39m",
    );
  });

  it('shows values as Node does', async () => {
    const values = [
      "{ a: 'x', 'b-c': [1, , 'it\\'s'], d: undefined, e: null, f: () => 1, g: Symbol('s') }",
      'new Map([[{ a: 1 }, new Set([1])]])',
      'class A { x = 1 }, new (class B { y = -0 })(), Object.create(null)',
      'new Uint8Array(3), 10n, [new Date(0), /a/g], new (class extends Map {})()',
      "Object.assign(() => 1, { a: 1 }), [Object('s'), Object(1)], { get a() { return 1; }, [Symbol('k')]: 1 }",
      "'%s is %d and %i, %f, %j %o %%', 'x', '4.5', '4.5', '4.5', { a: 1 }, 'o', 'more', { b: [] }",
      "{ deep: { deep: [{ a: 1 }] }, long: ['aaaaaaaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbb', 'cccccccccccccccccccccccc'] }",
    ];
    const { formatWithOptions } = await import('node:util');
    for (const value of values) {
      const expected = new Function('format', `return format(${value});`)((...args: unknown[]) =>
        formatWithOptions({ depth: 4 }, ...args),
      );
      expect(await printedBy(`console.log(${value})`)).toBe(`${expected}\n`);
    }
  });
});

describe('structuredClone', () => {
  it('keeps what belongs to an error', async () => {
    expect(
      await resultOf(
        "(() => { const c = structuredClone(new RangeError('r', { cause: new Error('why') })); return [c instanceof RangeError, c.message, c.cause instanceof Error, c.cause.message, Object.keys(c)]; })()",
      ),
    ).toEqual([true, 'r', true, 'why', []]);
  });

  it('refuses what cannot be cloned, by its name', async () => {
    for (const value of ['() => 1', "Symbol('a')", '{ a: [Promise.resolve()] }', 'new WeakMap()']) {
      const said = `(() => { try { structuredClone(${value}); } catch (e) { return [e.name, e instanceof DOMException]; } })()`;
      expect(await resultOf(said), value).toEqual(['DataCloneError', true]);
    }
  });

  it('moves what is transferred, with the views of it', async () => {
    expect(
      await resultOf(
        '(() => { const b = new Uint8Array([1, 2, 3]); const c = structuredClone({ v: b.subarray(1) }, { transfer: [b.buffer] }); return [[...c.v], b.length, Object(1n) instanceof BigInt, structuredClone(Object(true)) instanceof Boolean]; })()',
      ),
    ).toEqual([[2, 3], 0, true, true]);
  });
});

describe('timers, time and the process', () => {
  it('let go of timers, and refresh them', async () => {
    expect(
      await resultOf(
        '(async () => { const seen = []; const t = setTimeout(() => seen.push(1), 5); const no = setTimeout(() => seen.push(2), 1); clearTimeout(+no); const left = t.unref().hasRef(); await new Promise((r) => setTimeout(r, 20)); t.refresh(); await new Promise((r) => setTimeout(r, 20)); return [seen, left, typeof +t]; })()',
      ),
    ).toEqual([[1, 1], false, 'number']);
  });

  it('measure', async () => {
    const value = await resultOf(
      "(() => { performance.mark('a'); performance.mark('b', { startTime: 1e9 }); const m = performance.measure('m', 'a', 'b'); return [m.duration > 0, performance.getEntriesByType('measure').length, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000]; })()",
    );
    expect(value).toEqual([true, 1, true]);
  });

  it('have the members of a process that make sense', async () => {
    expect(
      await resultOf(
        "(async () => { const seen = []; process.nextTick((x) => seen.push(x), 1); await null; const t = process.hrtime(); process.stdout.write('out'); return [seen, process.cwd(), t.length, typeof process.hrtime.bigint(), process.on('exit', () => 1) === process]; })()",
      ),
    ).toEqual([[1], '/', 2, 'bigint', true]);
    expect(
      await resultOf(
        '(process.env.LEVEL = 3, process.exitCode = 2, process.title = "mine", [process.env.LEVEL, process.exitCode, process.title, delete process.env.LEVEL, "LEVEL" in process.env])',
      ),
    ).toEqual(['3', 2, 'mine', true, false]);
    await expect(resultOf('process.exit(3)')).rejects.toThrow('process.exit(3)');
  });
});

describe('WeakRef', () => {
  it('gives its object until the promise jobs are done, and again where it is still used', async () => {
    expect(await resultOf('new WeakRef({ x: 1 }).deref()')).toEqual({ x: 1 });
    const later =
      '(async () => { const ref = new WeakRef({ x: 1 }); await 0; await 0; return [ref.deref()?.x, ref instanceof WeakRef]; })()';
    expect(await resultOf(later)).toEqual([1, true]);
    const held =
      '(async () => { const to = { x: 1 }, ref = new WeakRef(to); await new Promise((done) => setTimeout(done)); return [ref.deref() === to, to.x]; })()';
    expect(await resultOf(held)).toEqual([true, 1]);
    const gone =
      '(async () => { const ref = new WeakRef({ x: 1 }); await new Promise((done) => setTimeout(done)); return typeof ref.deref(); })()';
    expect(await resultOf(gone)).toBe('undefined');
  });

  it('takes objects and symbols, and nothing else', async () => {
    const thrown =
      '[1, null, undefined, "a"].map((of) => { try { new WeakRef(of); } catch (error) { return error.name; } })';
    expect(await resultOf(thrown)).toEqual(['TypeError', 'TypeError', 'TypeError', 'TypeError']);
    expect(await resultOf('[Object.prototype.toString.call(new WeakRef({})), WeakRef.name, WeakRef.length]')).toEqual([
      '[object WeakRef]',
      'WeakRef',
      1,
    ]);
  });
});

describe('the stack of an error', () => {
  it.each([
    ['new TypeError("a b")', 'TypeError: a b'],
    ['(() => { class Own extends Error { name = "Own" } return new Own("x"); })()', 'Own: x'],
    ['(() => { try { null.x; } catch (error) { return error; } })()', "TypeError: cannot read property 'x' of null"],
    ['Object.assign(new Error(""), { name: "" })', ''],
    ['(() => { const o = { name: "N", message: "m" }; Error.captureStackTrace(o); return o; })()', 'N: m'],
    ['(() => { const e = new Error("e"); Error.captureStackTrace(e, function other() {}); return e; })()', 'Error: e'],
  ])('of %s begins with what it says', async (made, head) => {
    const lines = String(await resultOf(`${made}.stack`)).split('\n');
    expect(lines[0]).toBe(head);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {4}at /);
  });

  it('leaves out who captured it', async () => {
    const made =
      '(() => { const o = {}; const outer = () => { Error.captureStackTrace(o, outer); }; outer(); return o.stack; })()';
    expect(await resultOf(made)).not.toMatch(/outer|captureStackTrace/);
  });

  it('can be set to anything, is not among the keys, and is as a function’s own prepareStackTrace made it', async () => {
    expect(
      await resultOf(
        '(() => { const e = new Error("x"); e.stack = undefined; const f = new Error("y"); f.stack = "mine"; Error.prepareStackTrace = (error, sites) => `${error.message} ${Array.isArray(sites)}`; const own = new Error("z").stack; delete Error.prepareStackTrace; return [e.stack ?? null, f.stack, Object.keys(f), JSON.stringify(f), own]; })()',
      ),
    ).toEqual([null, 'mine', [], '{}', 'z true']);
  });
});

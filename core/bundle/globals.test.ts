import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { type Bundler, createBundler } from './bundler.ts';
import { membersOf, missingGlobals, shimsOf } from './globals.ts';
import { mapStack } from './map-stack.ts';
import { watchedGlobals } from './mark-globals.ts';

let home: string;
let dir: string;
let bundler: Bundler;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-globals-'));
  dir = join(home, 'my project');
  bundler = createBundler({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    version: 'test',
    shimsDir: locateResources().shimsDir,
    runtimes: bundlings,
  });
  await write('firstlight.json', '{"name":"hello"}');
});
afterEach(async () => {
  await bundler.close();
  await rm(home, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}
async function bundle(handler: string) {
  await write('handler.ts', handler);
  const request = { signal: new AbortController().signal, progress: () => undefined };
  return (await bundler.bundle(await readProject(dir, runtimes), request)).bundle;
}
/** The bundle's module with its own globals: shims replace Node's while it loads. */
async function load(code: string) {
  const { URL, URLSearchParams, Headers, Request, Response } = globalThis;
  try {
    return await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
  } finally {
    Object.assign(globalThis, { URL, URLSearchParams, Headers, Request, Response });
  }
}

describe('a global that a shim gives', () => {
  it('is in the bundle of code that names it, and in no other', async () => {
    const plain = 'const words = "new URL(1), Response";\nexport default () => words;';
    const without = await bundle(plain);
    expect(without.code.length).toBeLessThan(200);
    const own = await bundle('class URL {}\nexport default ({ Headers }: any) => [new URL(), Headers.URL];');
    expect(own.code.length).toBeLessThan(200);
    const withUrl = await bundle('export default (text: string) => [...new URL(text).searchParams.keys()];');
    expect((await load(withUrl.code)).default('http://a/?b=1&c=2')).toEqual(['b', 'c']);
    expect(withUrl.inputs.map(({ path }) => path)).toEqual(['handler.ts']);
    expect(withUrl.warnings).toEqual([]);
    // The same warm project, back where it was.
    expect((await bundle(plain)).id).toBe(without.id);
  });

  it('costs a function with a Response no URL', async () => {
    const { code, warnings } = await bundle('export default () => new Response("a", { status: 201 });');
    expect(code.length).toBeLessThan(12_000);
    expect(warnings).toEqual([]);
    expect(await (await load(code)).default().text()).toBe('a');
    const both = await bundle('export default () => new Request(new URL("http://a")).url;');
    expect((await load(both.code)).default()).toBe('http://a/');
  });

  it('leaves itself out of stacks', async () => {
    const made = await bundle('export default () => new URL("no url");');
    const line = made.code.split('\n').findIndex((text) => text.includes('no url')) + 1;
    const stack = `    at URL (bundle.js:1:5000)\n    at hello (bundle.js:${line}:25)`;
    expect(mapStack(made, stack)).toBe('    at hello (handler.ts:1:16)');
  });
});

describe('node:fs', () => {
  const reads =
    "import { readFileSync, writeFileSync } from 'node:fs';\nexport default () => writeFileSync('/a', readFileSync('/b'));";

  it('is in the bundle of a function that has files, with a warning of what it lacks', async () => {
    await write('firstlight.json', JSON.stringify({ name: 'hello', ember: { assets: 'public' } }));
    await write('public/a.txt', 'a');
    const { code, warnings, inputs } = await bundle(reads);
    expect(code).toContain('no disk of assets');
    expect(inputs.map(({ path }) => path)).toContain('public/a.txt');
    expect(warnings.map(({ message }) => message).join()).toContain('writeFileSync');
  });

  it('is refused to any other, with what to do', async () => {
    await write('firstlight.json', JSON.stringify({ name: 'hello' }));
    await expect(bundle(reads)).rejects.toMatchObject({
      details: {
        problems: [{ message: expect.stringMatching(/^Cannot import "node:fs": .*Name a folder as "assets"/) }],
      },
    });
  });
});

describe('fetch', () => {
  const outbound = (value: boolean) =>
    write('firstlight.json', JSON.stringify({ name: 'hello', ember: { network: { kind: 'user', outbound: value } } }));

  it('is in the bundle of a function that has asked for the network, and in no other', async () => {
    await outbound(true);
    for (const call of ['fetch', 'globalThis.fetch']) {
      const { code, warnings } = await bundle(`export default async () => (await ${call}('http://a')).text();`);
      expect(warnings).toEqual([]);
      for (const part of ['fetch failed', 'Response', 'URLSearchParams']) expect(code).toContain(part);
    }
    expect((await bundle('export default () => "fetch";')).code).not.toContain('fetch failed');
    await outbound(false);
    const without = await bundle("export default async () => (await fetch('http://a')).text();");
    expect(without.code).not.toContain('fetch failed');
    expect(without.warnings).toMatchObject([{ message: expect.stringContaining('has not asked for the network') }]);
  });

  it('brings streams and forms where its results are used so', async () => {
    await outbound(true);
    const { code } = await bundle(
      "export default async () => { const got = await fetch('http://a'); return [got.body.getReader(), await got.formData()]; };",
    );
    for (const part of ['ReadableStreamDefaultReader', 'FormData']) expect(code).toContain(part);
  });
});

describe('a global that is not there', () => {
  it('is a warning at its place, in words that say what to do', async () => {
    const made = await bundle(
      'import { get } from "./get";\nexport default async () => {\n  const é = "fetch"; return [await fetch(é), get, { Intl }];\n};',
    ).catch((error) => error);
    expect(made).toMatchObject({ code: 'BUILD_FAILED' });
    await write('get.ts', 'export const get = localStorage.getItem("a");');
    const { code, warnings } = await bundle(
      'import { get } from "./get";\nexport default async () => {\n  const é = "fetch"; return [await fetch(é), get, { Intl }];\n};',
    );
    expect(warnings).toEqual([
      expect.objectContaining({ file: 'get.ts', line: 1, column: 20, message: expect.stringContaining('no browser') }),
      {
        severity: 'warning',
        message: expect.stringMatching(/^`fetch` is not there: .*"network" with "outbound".*in the event\.$/),
        file: 'handler.ts',
        line: 3,
        column: 36,
        lineText: '  const é = "fetch"; return [await fetch(é), get, { Intl }];',
      },
      expect.objectContaining({ line: 3, column: 53, message: expect.stringMatching(/^`Intl` is not there: /) }),
    ]);
    expect(code).toContain('await fetch(é)');
    expect(code).not.toMatch(/\uA7FB/);
  });

  it('is none where the name is the code’s own, or where the code asks first', async () => {
    const { warnings } = await bundle(
      `const window = 1; const has = typeof fetch === 'function';
export default ({ document }: any, Blob: any) => has ? fetch : [window, document, Blob, document.fetch];`,
    );
    expect(warnings).toEqual([]);
  });

  it('stays one where `typeof` calls the member, or reads from it', async () => {
    const { warnings } = await bundle(
      `export default () => [typeof process.memoryUsage().heapUsed, typeof process.report.getReport];
export const asks = typeof process.binding === 'function' ? process.binding('fs') : null;`,
    );
    const lacks = warnings.map(({ message }) => message.split(' ')[0]);
    expect(lacks).toEqual(['`process.memoryUsage`', '`process.report`']);
  });

  it('stays one for `Intl` far from where a package asks for a part of it', async () => {
    const filler = Array.from({ length: 30 }, (_, at) => `export const filler${at} = ${at};`).join('\n');
    const asks = "export const has = typeof Intl !== 'undefined' && Intl.RelativeTimeFormat;";
    await write(
      'node_modules/times/index.js',
      `${asks}\n${filler}\nexport const zone = () => new Intl.DateTimeFormat();`,
    );
    await write('node_modules/asks/index.js', `${asks}\n${filler}`);
    const all =
      'import * as a from "times"; import * as b from "asks"; export default () => [Object.keys(a), Object.keys(b)];';
    const { warnings } = await bundle(all);
    expect(warnings).toMatchObject([{ file: 'node_modules/times/index.js', line: 32 }]);
  });

  it('stays one where another file declares the name', async () => {
    await write('fetch.ts', 'export function fetch() { return "own"; }\nexport class URL { href = "own"; }');
    const { code, warnings } = await bundle(
      `import * as own from './fetch.ts';
export default (real: boolean) => real ? [new URL('http://a').href, fetch] : [new own.URL().href, own.fetch()];`,
    );
    expect(warnings).toMatchObject([{ file: 'handler.ts', line: 2 }]);
    const { default: handler } = await load(code);
    expect(handler(false)).toEqual(['own', 'own']);
    expect(handler(true)).toEqual(['http://a/', globalThis.fetch]);
  });

  it('is reported once for each file of a package', async () => {
    await write(
      'node_modules/old/index.js',
      'export const a = () => [Worker, Worker,\nWorker, typeof window, window];',
    );
    const { warnings } = await bundle('import { a } from "old";\nexport default () => a();');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ file: 'node_modules/old/index.js', line: 1 });
  });

  it('has a marked name of its own', () => {
    const names = Object.values(watchedGlobals).map((name) => name.replace('globalThis.', ''));
    const watched = [...shimsOf.keys(), ...missingGlobals.keys(), ...membersOf.keys()];
    expect(new Set(names).size).toBe(watched.length);
  });
});

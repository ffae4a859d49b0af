import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest } from '../../build/guest.mjs';
import { createBaker } from '../../core/runtimes/ember/baker.ts';
import type { BakeRequest } from '../../core/runtimes/ember/types.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'ember-bake-'));
const baker = createBaker();
let kernelPath = '';

beforeAll(async () => {
  kernelPath = (await buildGuest({ log: console.error })).kernelPath;
}, 120_000);
afterAll(async () => {
  await baker.close();
  rmSync(dir, { recursive: true, force: true });
});

const bake = (bundleCode: string, more: Partial<BakeRequest> = {}) =>
  baker.bake({ bundleCode, env: {}, memoryMiB: 64, kernelPath, outPath: path.join(dir, 'image.elf'), ...more });

const fails = async (bundleCode: string, more: Partial<BakeRequest> = {}) => {
  const error = await bake(bundleCode, more).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) throw new Error('It was baked.');
  return error as { code: string; message: string; hint: string; details: { stack?: string; output?: string } };
};

describe('a good bundle', () => {
  it('gives an image, the same each time', async () => {
    const code = 'export default async () => 1;';
    const first = await bake(code);
    expect(readFileSync(first.path).length).toBe(first.bytes);
    const second = await bake(code, { outPath: path.join(dir, 'again.elf') });
    expect(second.sha256).toBe(first.sha256);
    const other = await bake('export default async () => 2;', { outPath: path.join(dir, 'other.elf') });
    expect(other.sha256).not.toBe(first.sha256);
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('may wait at its top level, and prints into the result', async () => {
    const image = await bake(
      `await new Promise((resolve) => setTimeout(resolve, 20)); console.log('loaded', process.env.A); export default () => 1;`,
      { env: { A: 'x' } },
    );
    expect(image.output).toBe('loaded x\n');
  });

  it('says which variables its module read', async () => {
    const envAtLoad = async (code: string) =>
      (await bake(`${code}; export default () => process.env.LATER;`)).envAtLoad;
    expect(await envAtLoad('')).toEqual([]);
    expect(await envAtLoad('const { A } = process.env; "B" in process.env; process.env.C ??= "1"')).toEqual([
      'A',
      'B',
      'C',
    ]);
    expect(await envAtLoad('Object.keys(process.env)')).toEqual(['*']);
    expect(await envAtLoad('JSON.stringify({ ...process.env })')).toContain('*');
    expect(await envAtLoad('for (let i = 0; i < 1000; i++) process.env["A" + i]')).toEqual(['*']);
  });

  it('says whether its module read its arguments, and has them as Node.js has', async () => {
    const bakeArgs = (code: string) => bake(`${code}; export default () => process.argv;`, { args: ['-v'] });
    const read = await bakeArgs('console.log(JSON.stringify([process.execPath, ...process.argv]))');
    expect([read.output, read.argsAtLoad]).toEqual(['["/ember","/ember","/bundle.js","-v"]\n', true]);
    expect((await bakeArgs('const { pid, env } = process')).argsAtLoad).toBe(false);
    expect((await bakeArgs('({ ...process })')).argsAtLoad).toBe(true);
    expect((await bakeArgs('process.argv = ["a"]')).argsAtLoad).toBe(true);
  });

  it('keeps nothing of the bundle before', async () => {
    await bake('globalThis.left = 1; export default () => 1;');
    const image = await bake('console.log(typeof globalThis.left); export default () => 1;');
    expect(image.output).toBe('undefined\n');
  });
});

describe('a bad bundle', () => {
  it('has no handler', async () => {
    expect(await fails('export const handler = () => 1;')).toMatchObject({
      code: 'EXPORT_MISSING',
      message: 'There is no default export.',
    });
    expect(await fails('export default { a: 1 };')).toMatchObject({
      code: 'EXPORT_MISSING',
      message: expect.stringContaining('object'),
    });
    expect(await fails('export default { handler: () => 1 };')).toMatchObject({
      message: 'The default export is an object with `handler`, not a function.',
      hint: expect.stringContaining('module.exports = exports.handler'),
    });
  });

  it('has one where CommonJS has the default export as a member', async () => {
    await bake('export default { __esModule: true, default: () => 1 };');
    expect(await fails('export default { default: () => 1 };')).toMatchObject({ code: 'EXPORT_MISSING' });
  });

  it('throws while it loads', async () => {
    const error = await fails(
      `function load() {\n  throw new TypeError('no config');\n}\nload();\nexport default () => 1;`,
    );
    expect(error).toMatchObject({ code: 'EVALUATION_THREW', message: expect.stringContaining('TypeError: no config') });
    expect(error.details.stack).toMatch(/bundle\.js:2:/);
    expect(await fails('await Promise.reject(new Error("later")); export default 1;')).toMatchObject({
      code: 'EVALUATION_THREW',
    });
    expect(await fails('throw "words";')).toMatchObject({
      code: 'EVALUATION_THREW',
      message: expect.stringContaining('words'),
    });
    expect(await fails('let a = ;')).toMatchObject({
      code: 'EVALUATION_THREW',
      message: expect.stringContaining('SyntaxError'),
    });
    expect(await fails('import x from "node:fs"; export default x;')).toMatchObject({ code: 'EVALUATION_THREW' });
    expect(await fails('await new Promise(() => {}); export default 1;')).toMatchObject({
      message: expect.stringContaining('waits at its top level'),
    });
  });

  it('nests deeper than the engine can follow', async () => {
    const deep = `export const z = ${'['.repeat(3000)}${']'.repeat(3000)};\nexport default () => 1;`;
    const parsed = `JSON.parse('['.repeat(200000) + ']'.repeat(200000));\nexport default () => 1;`;
    for (const source of [deep, parsed, 'const f = (n) => n && 1 + f(n - 1);\nf(1e7);\nexport default () => 1;']) {
      expect(await fails(source)).toMatchObject({ code: 'EVALUATION_THREW' });
    }
    expect(await fails('throw new Error("as before")')).toMatchObject({
      message: expect.stringContaining('as before'),
    });
  });

  it('does not come to an end', async () => {
    const spin = await fails('console.log("before"); for (;;) {}', { evalTimeoutMs: 200 });
    expect(spin).toMatchObject({ code: 'EVALUATION_TIMEOUT', details: { output: 'before\n' } });
    expect(await fails('async function f() { for (;;) await null; } await f();', { evalTimeoutMs: 200 })).toMatchObject(
      { code: 'EVALUATION_TIMEOUT' },
    );
    expect(await fails('await new Promise((r) => setTimeout(r, 60000));', { evalTimeoutMs: 200 })).toMatchObject({
      code: 'EVALUATION_TIMEOUT',
    });
    expect((await bake('export default () => 1;')).bytes).toBeGreaterThan(100_000);
  });

  it.each(['', 'Math.abs(1);'])('is late, also when the last call of all notices it (after "%s")', async (more) => {
    // One native call takes longer than the limit. QuickJS checks the clock at every 10,000th turn or call: the least
    // number of turns that fails is noticed in the last call before the image is written. A turn counts as two, so
    // a call more or not.
    const outcome = async (turns: number) => {
      const code = `new Uint8Array(4 << 20).sort(); ${more} for (let i = 0; i < ${turns}; i++); export default () => 1;`;
      return await bake(code, { evalTimeoutMs: 10 }).then(
        () => 'baked',
        (thrown: { code: string }) => thrown.code,
      );
    };
    let [baked, failed] = [0, 10_000];
    const seen = new Set([await outcome(failed)]);
    while (failed - baked > 1) {
      const turns = Math.floor((baked + failed) / 2);
      const found = await outcome(turns);
      if (found === 'baked') baked = turns;
      else failed = turns;
      seen.add(found);
    }
    expect([...seen].sort()).toEqual(['EVALUATION_TIMEOUT', 'baked']);
  });

  it('needs more memory than there is', async () => {
    const small = await fails('export default () => 1;', { memoryMiB: 32 });
    expect(small).toMatchObject({ code: 'MEMORY_TOO_SMALL', message: expect.stringContaining('at least 34 MiB') });
    const big = 'const kept = new Uint8Array(48 << 20).fill(1); export default () => kept.length;';
    expect(await fails(big)).toMatchObject({ code: 'MEMORY_TOO_SMALL' });
    for (const memoryMiB of [128, 4128, 65_536]) {
      expect((await bake(big, { memoryMiB })).heapPages, String(memoryMiB)).toBeGreaterThan(768);
    }
  });

  it('has nowhere to go, or no kernel', async () => {
    expect(await fails('export default () => 1;', { outPath: '/proc/none/image.elf' })).toMatchObject({
      code: 'STORE_UNUSABLE',
    });
    expect(await fails('export default () => 1;', { kernelPath: '/none/ember.elf' })).toMatchObject({
      code: 'KERNEL_MISSING',
    });
  });

  it('is given up when it is cancelled', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const error = await fails('for (;;) {}', { signal: controller.signal, evalTimeoutMs: 20_000 });
    expect(error.code).toBe('CANCELLED');
    expect((await bake('export default () => 1;')).bytes).toBeGreaterThan(100_000);
  });
});

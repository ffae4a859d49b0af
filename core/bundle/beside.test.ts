import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bundle } from '#core/runtime/bundle.ts';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
let guest: string;
beforeEach(async () => {
  shop = await openWorkshop();
  guest = await mkdtemp(join(tmpdir(), 'fl-guest-'));
});
afterEach(async () => {
  await shop.close();
  await rm(guest, { recursive: true, force: true });
});

const onNanos = { runtime: 'nanos' };

/**
 * Puts a bundle and the files beside it into an empty folder, as in the guest, and calls the handler in a separate
 * Node.js.
 */
async function callIn(bundle: Bundle, event: unknown = {}): Promise<unknown> {
  const main = join(guest, 'firstlight', bundle.format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs');
  await mkdir(dirname(main), { recursive: true });
  await writeFile(main, bundle.code);
  for (const { guest: at, host, code, link } of bundle.files ?? []) {
    await mkdir(dirname(join(guest, at)), { recursive: true });
    if (host === undefined) await symlink(link, join(guest, at));
    else if (code !== undefined) await writeFile(join(guest, at), code);
    else await cp(host, join(guest, at));
  }
  const script = `import(${JSON.stringify(main)}).then(async (m) => { const f = m.default?.default ?? m.default; console.log('\\n=' + JSON.stringify(await f(${JSON.stringify(event)}) ?? null)); });`;
  const caller = join(guest, 'call.mjs');
  await writeFile(caller, script);
  const output = execFileSync(process.execPath, [caller], {
    cwd: guest,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(/^=(.*)$/m.exec(output)?.[1] ?? '');
}
const places = ({ files = [] }: Bundle) => files.map(({ guest: at }) => at);

describe('a bundle for Node.js', () => {
  it('has CommonJS names also as an ES module', async () => {
    await shop.write(
      'lib/place.cjs',
      "exports.place = typeof __dirname === 'string' ? __dirname : 'none';\nexports.file = __filename;",
    );
    const made = await shop.bundle(
      "import { file, place } from './lib/place.cjs';\nconst settings = await Promise.resolve({ ready: true });\nexport default () => ({ ...settings, place, file });",
      onNanos,
    );
    expect(made.format).toBe('esm');
    expect(await callIn(made)).toEqual({
      ready: true,
      place: join(guest, 'firstlight'),
      file: join(guest, 'firstlight/bundle.mjs'),
    });
  });

  it('may declare such names itself', async () => {
    const made = await shop.bundle(
      "import { createRequire } from 'node:module';\nimport { dirname } from 'node:path';\nimport { fileURLToPath } from 'node:url';\nconst require = createRequire(import.meta.url);\nconst __dirname = dirname(fileURLToPath(import.meta.url));\nexport default () => [require('node:path').sep, __dirname];",
      onNanos,
    );
    expect(await callIn(made)).toEqual(['/', join(guest, 'firstlight')]);
  });
});

describe('files that code opens beside itself', () => {
  it.each(['null', '[]', '{"dependencies":', '{"dependencies":null}', '{"dependencies":"x"}'])(
    'are taken along where a package that is only needed has the package.json %s',
    async (manifest) => {
      await shop.write('node_modules/p/package.json', '{"name":"p","dependencies":{"q":"1"}}');
      await shop.write(
        'node_modules/p/index.js',
        'module.exports = require("fs").readFileSync(__dirname + "/data.txt", "utf8");',
      );
      await shop.write('node_modules/p/data.txt', 'data of p');
      await shop.write('node_modules/q/package.json', manifest);
      await shop.write('node_modules/q/index.js', 'module.exports = 1;');
      const made = await shop.bundle("import p from 'p';\nexport default () => p;", onNanos);
      expect(await callIn(made)).toBe('data of p');
      expect(places(made)).toContain('/firstlight/node_modules/q/index.js');
    },
  );

  it('is taken along where it stands in the code', async () => {
    for (const name of ['a.txt', 'lib/b.txt', 'c/d.txt', 'e.txt', 'f.txt', 'page/1.html', 'g.json', 'not.txt'])
      await shop.write(name, name);
    await shop.write('g.json', '{"g":1}');
    await shop.write(
      'lib/b.ts',
      "import { readFileSync } from 'node:fs';\nexport const b = () => readFileSync(new URL('./b.txt', import.meta.url), 'utf8');",
    );
    await shop.write(
      'old.cjs',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
      "const { readFileSync } = require('fs'); const path = require('path');\nexports.old = () => [readFileSync(path.join(__dirname, 'c', 'd.txt'), 'utf8'), readFileSync(__dirname + '/e.txt', 'utf8'), readFileSync(`${__dirname}/f.txt`, 'utf8'), require(require.resolve('./g.json')).g];",
    );
    const made = await shop.bundle(
      "import { readFileSync, readdirSync } from 'node:fs';\nimport { b } from './lib/b.ts';\nimport { old } from './old.cjs';\nexport default () => [readFileSync(new URL('a.txt', import.meta.url), 'utf8'), b(), old(), readdirSync(new URL('page/', import.meta.url))];",
      onNanos,
    );
    expect(made.warnings).toEqual([]);
    expect(await callIn(made)).toEqual(['a.txt', 'lib/b.txt', ['c/d.txt', 'e.txt', 'f.txt', 1], ['1.html']]);
    expect(places(made)).not.toContain('/firstlight/not.txt');
  });

  it('is taken along with its folder where the rest of its name is computed', async () => {
    for (const name of ['lib/views/a.txt', 'lib/views/b.txt', 'data/c.txt', 'not.txt']) await shop.write(name, name);
    await shop.write('node_modules/plain/package.json', '{"name":"plain"}');
    await shop.write('node_modules/plain/index.js', 'exports.one = 1;');
    await shop.write(
      'lib/read.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
      "import { readFileSync } from 'node:fs'; import { createRequire } from 'node:module'; import path from 'node:path';\nconst need = createRequire(import.meta.url);\nconst here = path.dirname(new URL(import.meta.url).pathname);\nexport const read = (name: string) => [readFileSync(path.join(here, 'views', name), 'utf8'), readFileSync(`${import.meta.dirname}/views/${name}`, 'utf8'), readFileSync('data/c.txt', 'utf8'), need('plain').one];",
    );
    const made = await shop.bundle(
      "import { read } from './lib/read.ts'; export default () => read('b.txt');",
      onNanos,
    );
    expect(made.warnings).toEqual([]);
    expect(await callIn(made)).toEqual(['lib/views/b.txt', 'lib/views/b.txt', 'data/c.txt', 1]);
    expect(places(made)).not.toContain('/firstlight/not.txt');
  });

  it.each(['work.ts', 'work.js', 'work.mjs'])(
    'is compiled with what it imports where it is a worker: %s',
    async (name) => {
      await shop.write('package.json', '{"type":"module"}');
      await shop.write('lib/twice.ts', 'export const twice = (n: number) => 2 * n;');
      await shop.write('node_modules/plain/package.json', '{"name":"plain"}');
      await shop.write('node_modules/plain/index.js', 'exports.one = 1;');
      await shop.write(
        `lib/${name}`,
        `import { parentPort } from 'node:worker_threads'; import { one } from 'plain'; import { twice } from './twice.ts';
      parentPort${name.endsWith('.ts') ? '!' : ''}.once('message', (n) => parentPort${name.endsWith('.ts') ? '!' : ''}.postMessage([twice(n) + one, typeof import.meta.url]));`,
      );
      await shop.write(
        'lib/start.ts',
        `import { once } from 'node:events'; import { Worker } from 'node:worker_threads';
      export async function start() { const worker = new Worker(new URL('./${name}', import.meta.url)); worker.postMessage(2); return (await once(worker, 'message'))[0]; }`,
      );
      const made = await shop.bundle("import { start } from './lib/start.ts'; export default start;", onNanos);
      expect(await callIn(made)).toEqual([5, 'string']);
      await shop.write('lib/twice.ts', 'export const twice = (n: number) => 3 * n;');
      const again = await shop.bundle("import { start } from './lib/start.ts'; export default start;", onNanos);
      expect(again.id).not.toBe(made.id);
    },
  );

  it('names the bundle, and is watched for changes', async () => {
    await shop.write('a.txt', 'one');
    const source =
      "import { readFileSync } from 'node:fs';\nexport default () => readFileSync(new URL('./a.txt', import.meta.url), 'utf8');";
    const first = await shop.bundle(source, onNanos);
    expect((await shop.bundle(source, onNanos)).id).toBe(first.id);
    await shop.write('a.txt', 'two!');
    expect((await shop.bundle(source, onNanos)).id).not.toBe(first.id);
  });

  it('is asked for where it does not stand in the code, or would be one of two', async () => {
    const hidden = await shop.bundle(
      "import { readFileSync } from 'node:fs';\nimport { join } from 'node:path';\nconst dir = __dirname;\nexport default ({ name }: any) => readFileSync(join(dir, name), 'utf8');",
      onNanos,
    );
    expect(hidden.warnings).toMatchObject([
      { file: 'handler.ts', line: 4, message: expect.stringContaining('"files": {') },
    ]);
    await shop.write('a/x.txt', '1');
    await shop.write('b/x.txt', '2');
    for (const name of ['a', 'b'])
      await shop.write(
        `${name}/m.ts`,
        "import { readFileSync } from 'node:fs';\nexport default () => readFileSync(new URL('./x.txt', import.meta.url), 'utf8');",
      );
    const twice = await shop.bundle(
      "import a from './a/m.ts';\nimport b from './b/m.ts';\nexport default () => [a(), b()];",
      onNanos,
    );
    expect(twice.warnings).toMatchObject([
      { message: expect.stringContaining('would be one file in the guest, /firstlight/x.txt') },
    ]);
  });
});

describe('packages that open files', () => {
  const withData = async (at: string, more = '') => {
    await shop.write(`${at}/package.json`, '{"name":"data","version":"1.0.0","main":"lib/index.js"}');
    await shop.write(
      `${at}/lib/index.js`,
      `const fs = require('fs'); exports.read = () => fs.readFileSync(__dirname + '/../fonts/' + 'x.afm', 'utf8'); ${more}`,
    );
    await shop.write(`${at}/fonts/x.afm`, 'metrics');
  };

  it('are taken along with what they need, and nothing else is', async () => {
    await withData('node_modules/data', "exports.dep = require('dep');");
    await shop.write(
      'node_modules/data/package.json',
      '{"name":"data","main":"lib/index.js","dependencies":{"dep":"*"},"optionalDependencies":{"none":"*"}}',
    );
    await shop.write('node_modules/dep/package.json', '{"name":"dep","main":"m.js"}');
    await shop.write('node_modules/dep/m.js', 'module.exports = "dep";');
    await shop.write('node_modules/plain/index.js', 'exports.plain = 1;');
    for (const name of ['types.d.ts', 'index.js.map', 'README.md', 'prebuilds/darwin-x64/a.node'])
      await shop.write(`node_modules/data/${name}`, '');
    const made = await shop.bundle(
      "import { dep, read } from 'data';\nimport { plain } from 'plain';\nexport default () => [read(), dep, plain];",
      onNanos,
    );
    expect(made.format).toBe('cjs');
    expect(places(made)).toEqual([
      '/firstlight/node_modules/data/fonts/x.afm',
      '/firstlight/node_modules/data/lib/index.js',
      '/firstlight/node_modules/data/package.json',
      '/firstlight/node_modules/dep/m.js',
      '/firstlight/node_modules/dep/package.json',
    ]);
    expect(await callIn(made)).toEqual(['metrics', 'dep', 1]);
    await shop.write('node_modules/data/fonts/x.afm', 'other metrics');
    expect((await shop.bundle(undefined, onNanos)).id).not.toBe(made.id);
  });

  it('are found through links and where only another package has them', async () => {
    await withData('node_modules/.pnpm/data@1/node_modules/data');
    await shop.write(
      'node_modules/.pnpm/user@1/node_modules/user/package.json',
      '{"name":"user","main":"i.js","dependencies":{"data":"*"}}',
    );
    await shop.write('node_modules/.pnpm/user@1/node_modules/user/i.js', "exports.used = require('data').read();");
    await symlink('../../data@1/node_modules/data', join(shop.dir, 'node_modules/.pnpm/user@1/node_modules/data'));
    await symlink('.pnpm/user@1/node_modules/user', join(shop.dir, 'node_modules/user'));
    expect(await callIn(await shop.bundle("import { used } from 'user';\nexport default () => used;", onNanos))).toBe(
      'metrics',
    );
  });

  it('may be ES modules, start workers, and be imported by name from CommonJS', async () => {
    await shop.write('node_modules/worker/package.json', '{"name":"worker","type":"module","exports":"./index.js"}');
    await shop.write(
      'node_modules/worker/index.js',
      "import { once } from 'node:events'; import { Worker } from 'node:worker_threads';\nexport const run = async () => (await once(new Worker(new URL('./work.js', import.meta.url)), 'message'))[0];",
    );
    await shop.write(
      'node_modules/worker/work.js',
      "import { parentPort } from 'node:worker_threads'; parentPort.postMessage('worked');",
    );
    await withData('node_modules/data');
    const made = await shop.bundle(
      "import { run } from 'worker';\nimport { read } from 'data';\nexport default async () => [await run(), read()];",
      onNanos,
    );
    expect(made.format).toBe('esm');
    expect(await callIn(made)).toEqual(['worked', 'metrics']);
  });

  it('may be native addons, of a package or of the project', async () => {
    await shop.write('node_modules/addon/package.json', '{"name":"addon"}');
    await shop.write(
      'node_modules/addon/index.js',
      "module.exports = () => { try { require('./build/a.node'); } catch (error) { return error.message; } };",
    );
    await shop.write('node_modules/addon/build/a.node', 'no ELF');
    await shop.write('own.node', 'no ELF');
    const made = await shop.bundle(
      "import addon from 'addon';\nexport default () => { try { require('./own.node'); } catch (error) { return [addon(), (error as Error).message]; } };",
      onNanos,
    );
    // The loader found both, and reports the fault of each.
    expect(await callIn(made)).toEqual([
      expect.stringContaining('a.node: file too short'),
      expect.stringContaining('own.node: file too short'),
    ]);
  });

  const cases = '/work/shared/cases';
  const reason = existsSync(`${cases}/node_modules/sql.js`) ? '' : ` (skipped: no ${cases})`;
  it.skipIf(reason !== '').each([
    ['node-sqljs', { columns: ['s'], values: [[3]] }],
    ['node-dirname', { ready: true, place: '/firstlight', file: '/firstlight/bundle.mjs' }],
  ])(`run as their README says: %s${reason}`, async (name, expected) => {
    const answer = await callIn(await shop.bundleAt(`${cases}/${name}`));
    expect(JSON.parse(JSON.stringify(answer).replaceAll(guest, ''))).toEqual(expected);
  });

  it.skipIf(reason !== '').each([
    [
      'sharp',
      "import sharp from 'sharp';\nexport default async () => (await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } }).png().toBuffer()).length > 50;",
    ],
    [
      'pdfkit',
      "import PDFDocument from 'pdfkit';\nexport default () => new Promise((done) => { const doc = new PDFDocument(); let n = 0; doc.on('data', (c: Buffer) => { n += c.length; }); doc.on('end', () => done(n > 500)); doc.text('hi'); doc.end(); });",
    ],
    [
      'better-sqlite3',
      "import Database from 'better-sqlite3';\nexport default () => new Database(':memory:').prepare('select 1 as a').get().a === 1;",
    ],
    [
      '@node-rs/bcrypt',
      "import { hashSync, verifySync } from '@node-rs/bcrypt';\nexport default () => verifySync('pw', hashSync('pw'));",
    ],
    ['bcrypt', "import bcrypt from 'bcrypt';\nexport default () => bcrypt.compareSync('a', bcrypt.hashSync('a', 4));"],
  ])(`run in an empty folder: %s${reason}`, async (_, source) => {
    await mkdir(shop.dir);
    await symlink(`${cases}/node_modules`, join(shop.dir, 'node_modules'));
    expect(await callIn(await shop.bundle(source, onNanos))).toBe(true);
  });

  it.skipIf(reason !== '')(`log through a worker: pino${reason}`, async () => {
    await mkdir(shop.dir);
    await symlink(`${cases}/node_modules`, join(shop.dir, 'node_modules'));
    const made = await shop.bundle(
      "import pino from 'pino';\nconst log = pino(pino.transport({ target: 'pino/file', options: { destination: 1 } }));\nexport default () => new Promise((done) => { log.info('logged'); setTimeout(() => done('answered'), 300); });",
      onNanos,
    );
    expect(await callIn(made)).toBe('answered');
    const script = `const f = require(${JSON.stringify(join(guest, 'firstlight/bundle.cjs'))}).default; f().then(() => setTimeout(() => process.exit(), 200));`;
    const child = spawn(process.execPath, ['-e', script], { cwd: guest, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    for await (const chunk of child.stdout) text += chunk;
    expect(text).toContain('"msg":"logged"');
  });
});

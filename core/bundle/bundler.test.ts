import { mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { FirstlightError } from '#shared/errors.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { type Bundler, createBundler } from './bundler.ts';

let home: string;
let dir: string;
let bundler: Bundler;
const open: Bundler[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-bundle-'));
  dir = join(home, 'project');
  bundler = newBundler();
  await write('firstlight.json', '{\n  "name": "hello",\n  "entry": "handler.ts"\n}');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
  await rm(home, { recursive: true, force: true });
});

function newBundler(): Bundler {
  const one = createBundler({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    version: 'test',
    shimsDir: locateResources().shimsDir,
    runtimes: bundlings,
  });
  open.push(one);
  return one;
}
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}
const request = () => ({ signal: new AbortController().signal, progress: () => undefined });
const bundle = async (by = bundler) => {
  const { saved, sources: _, ...made } = await by.bundle(await readProject(dir, runtimes), request());
  await saved;
  return made;
};
async function failure(): Promise<FirstlightError> {
  const thrown = await bundle().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof FirstlightError) return thrown;
  throw new Error(`not a FirstlightError: ${String(thrown)}`);
}
/** Files are older than the build by more than the granularity of the file system's clock. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 40));

describe('a bundle', () => {
  it('finds files by computed names as Node.js does, without their ends', async () => {
    await write('lib/a.js', 'exports.v = "A";');
    await write('lib/b/index.js', 'exports.v = "B";');
    await write('lib/c.json', '"C"');
    await write(
      'handler.ts',
      "export default (name: string) => { const found = require('./lib/' + name); return found.v ?? found; };",
    );
    const { bundle: made } = await bundle();
    const { default: find } = await import(`data:text/javascript,${encodeURIComponent(made.code)}`);
    expect(['a', 'a.js', 'b', 'b/', 'c', 'c.json'].map(find)).toEqual(['A', 'A', 'B', 'B', 'C', 'C']);
    expect(() => find('none')).toThrow('Module not found in bundle: ./lib/none');
    expect(made.warnings).toEqual([]);
  });

  it('has a folder with files that are no code; one that an import names is an error', async () => {
    await write('lib/a.js', 'exports.v = "A";');
    await write('lib/b.yaml', 'a: 1');
    await write('handler.ts', "export default (name: string) => require('./lib/' + name).v;");
    const { bundle: made } = await bundle();
    const { default: find } = await import(`data:text/javascript,${encodeURIComponent(made.code)}`);
    expect(find('a')).toBe('A');
    expect(() => find('b.yaml')).toThrow('b.yaml is not code');
    await write('handler.ts', "import './lib/b.yaml'; export default (name: string) => require('./lib/' + name).v;");
    await expect(bundle()).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  });

  it('has a folder with files without an ending, which are code or not', async () => {
    await write('lib/a.js', 'exports.v = "A";');
    await write('lib/tool', 'exports.v = "T";');
    await write('lib/LICENSE', 'The licence of (this');
    await write('lib/odd.', 'x');
    await write('handler.ts', "export default (name: string) => require('./lib/' + name).v;");
    const { bundle: made } = await bundle();
    const { default: find } = await import(`data:text/javascript,${encodeURIComponent(made.code)}`);
    expect(['a', 'tool'].map(find)).toEqual(['A', 'T']);
    for (const name of ['LICENSE', 'odd.']) expect(() => find(name)).toThrow(`${name} is not code`);
    for (const name of ['LICENSE', 'odd.']) {
      await write('handler.ts', `import './lib/${name}'; export default (name: string) => require('./lib/' + name).v;`);
      const { code, details } = await failure();
      expect({ code, problems: details.problems }).toMatchObject({ code: 'BUILD_FAILED', problems: [{}] });
    }
    await write('handler.ts', "import './lib/LICENSE'; export default () => 1;");
    expect((await failure()).details.problems).toMatchObject([{ file: 'lib/LICENSE', line: 1 }]);
    await write('main', 'no ) code');
    await write('firstlight.json', '{"name":"f","entry":"main"}');
    await expect(failure()).resolves.toMatchObject({ code: expect.stringMatching(/BUILD_FAILED|PROJECT_INVALID/) });
  });

  it('is one module that imports nothing, of TypeScript, JSON, text, bytes and packages', async () => {
    await write(
      'handler.ts',
      `import type { Event } from 'firstlight';
import { shout } from 'loud';
import words from './words.json';
import note from './note.txt';
import blob from './blob.bin';
export default (event: Event): object => ({ said: shout(words[0]!), note, size: blob.length });`,
    );
    await write('words.json', '["hello"]');
    await write('note.txt', 'a note');
    await write('blob.bin', '\u0001\u0002');
    await write('node_modules/loud/package.json', '{"name":"loud","main":"node.js","browser":"web.js"}');
    await write('node_modules/loud/node.js', 'exports.shout = require("node:util").inspect;');
    await write('node_modules/loud/web.js', 'exports.shout = (text) => text.toUpperCase();');
    const { bundle: made, reused } = await bundle();
    expect(reused).toBe(false);
    expect(made.code).not.toMatch(/^import /m);
    expect(made.inputs.map((input) => input.path)).toEqual([
      'blob.bin',
      'handler.ts',
      'node_modules/loud/web.js',
      'note.txt',
      'words.json',
    ]);
    const module = await import(`data:text/javascript;base64,${Buffer.from(made.code).toString('base64')}`);
    expect(module.default({})).toEqual({ said: 'HELLO', note: 'a note', size: 2 });
    expect(JSON.parse(made.sourceMap).sources).toContain('handler.ts');
  });

  it('is named by what went into it, and only by that', async () => {
    await write('handler.ts', 'export default () => 1;');
    const first = (await bundle()).bundle;
    expect((await bundle()).bundle.id).toBe(first.id);
    await write('firstlight.json', '{"name":"hello","memoryMiB":128,"timeoutMs":5}');
    expect((await bundle()).bundle).toMatchObject({ id: first.id, config: { memoryMiB: 128 } });
    await write('firstlight.json', '{"name":"hello","env":{"A":"1"}}');
    expect((await bundle()).bundle.id).not.toBe(first.id);
    await write('firstlight.json', '{"name":"hello"}');
    await write('handler.ts', 'export default () => 2;');
    expect((await bundle()).bundle.id).not.toBe(first.id);
  });

  it('is named by the further files of its image, too', async () => {
    await write('firstlight.json', JSON.stringify({ name: 'hello', runtime: 'nanos', files: { '/data': 'data' } }));
    await write('handler.ts', 'export default () => 1;');
    await write('data/words.txt', 'one');
    await settle();
    const first = (await bundle()).bundle;
    expect(first.inputs.map(({ path }) => path)).toEqual(['handler.ts', 'data/words.txt']);
    expect((await bundle()).bundle.id).toBe(first.id);
    expect(await bundle(newBundler())).toEqual({ bundle: first, reused: true });
    expect(await bundler.load(first.id)).toEqual(first);
    await write('data/words.txt', 'two');
    for (const by of [bundler, newBundler()]) {
      const second = (await bundle(by)).bundle;
      expect([second.id === first.id, second.code === first.code]).toEqual([false, true]);
    }
  });

  it('is found again by another process without compiling, until something changes', async () => {
    await write('handler.ts', "import { a } from './util';\nexport default () => a;");
    await write('util.ts', 'export const a = 1;');
    await settle();
    const first = (await bundle()).bundle;
    expect(await bundle(newBundler())).toEqual({ bundle: first, reused: true });
    expect(await newBundler().load(first.id)).toEqual(first);
    // A new file that the import finds first.
    await write('util/index.ts', 'export const a = 3;');
    await write('util.tsx', 'export const a = 2;');
    await rm(join(dir, 'util.ts'));
    const second = await bundle(newBundler());
    expect(second.reused).toBe(false);
    expect(second.bundle.code).toContain('a = 2');
  });

  it('sees every edit, at once', async () => {
    for (let count = 0; count < 8; count++) {
      await write('handler.ts', `export default () => ${count};`);
      expect((await bundle()).bundle.code).toContain(`() => ${count}`);
      expect((await bundle(newBundler())).bundle.code).toContain(`() => ${count}`);
    }
  });

  /** Builds repeatedly, and keeps the files compiled in that time. */
  function countCompilations(): { compiled: string[]; build: () => Promise<string> } {
    const compiled: string[] = [];
    const build = async () => {
      const outcome = await bundler.bundle(await readProject(dir, runtimes), {
        signal: new AbortController().signal,
        progress: ({ message }) => void compiled.push(message),
      });
      return outcome.bundle.id;
    };
    return { compiled, build };
  }

  it('compiles nothing again while its files are as they were, also when it is warm', async () => {
    await write('handler.ts', 'export default () => 1;');
    await settle();
    const { compiled, build } = countCompilations();
    const first = await build();
    expect(compiled).toHaveLength(1);
    expect(await build()).toBe(first);
    expect(compiled).toHaveLength(1);
    // Another content of the same size, and of the same time of modification.
    const path = join(dir, 'handler.ts');
    const { atime, mtime } = await stat(path);
    await writeFile(path, 'export default () => 2;');
    await utimes(path, atime, mtime);
    expect(await build()).not.toBe(first);
    expect(compiled).toHaveLength(2);
  });

  it('compiles once for each edit, while it is warm', async () => {
    await write('handler.ts', 'export default () => 0;');
    const { compiled, build } = countCompilations();
    const ids = new Set([await build()]);
    for (let count = 1; count <= 9; count++) {
      await write('handler.ts', `export default () => ${count};`);
      ids.add(await build());
      expect(compiled).toHaveLength(1 + count);
    }
    expect(ids.size).toBe(10);
  });
});

describe('code that cannot be bundled', () => {
  it('a syntax error has file, line and column', async () => {
    await write('handler.ts', 'export default () => {\n  const é = "ü"; let = ;\n};');
    const error = await failure();
    expect(error).toMatchObject({ code: 'BUILD_FAILED', exitCode: 4 });
    expect(error.message).toMatch(/^handler\.ts:2:\d+: /);
    expect(error.details.problems?.[0]).toMatchObject({
      file: 'handler.ts',
      line: 2,
      lineText: '  const é = "ü"; let = ;',
    });
  });

  it('columns count characters, not bytes', async () => {
    await write('handler.ts', 'const a = "éüß"; import "./nope";\nexport default () => a;');
    expect((await failure()).details.problems?.[0]).toMatchObject({ line: 1, column: 25 });
  });

  it('imports that the guest cannot have are explained, all at once', async () => {
    await write(
      'handler.ts',
      `import { readFile } from 'node:fs/promises';
import net from 'net';
import left from 'left-pad/index.js';
import scoped from '@acme/tool/x';
import './nope';
import web from 'https://example.org/x.js';
export default () => [readFile, net, left, scoped, web];`,
    );
    const error = await failure();
    const said = error.details.problems?.map(({ line, message }) => `${line} ${message}`) ?? [];
    expect(said.sort()).toEqual([
      expect.stringMatching(/^1 Cannot import "node:fs\/promises": the guest is not Node\.js/),
      expect.stringMatching(/^2 Cannot import "net": the guest is not Node\.js/),
      '3 Cannot find the package "left-pad". Install it in the project: npm install left-pad',
      '4 Cannot find the package "@acme/tool". Install it in the project: npm install @acme/tool',
      '5 Cannot find "./nope": there is no such file. Check the path.',
      expect.stringMatching(
        /^6 Cannot import "https:\/\/example\.org\/x\.js": a function is built without the network/,
      ),
    ]);
    expect(error.message).toMatch(/\(and 5 more\)$/);
  });

  it('a file of a kind that has no meaning here says which have', async () => {
    await write('handler.ts', "import picture from './a.png';\nexport default () => picture;");
    await write('a.png', 'x');
    expect((await failure()).details.problems?.[0]).toMatchObject({
      line: 1,
      message: expect.stringMatching(/^Files that end in "\.png" cannot be imported: .*\(\.bin\)\.$/),
    });
  });

  it('a package may ask for Node.js where it is ready to do without', async () => {
    await write('handler.js', 'let fs; try { fs = require("fs"); } catch {}\nexport default () => fs ?? null;');
    await write('firstlight.json', '{"name":"hello","entry":"handler.js"}');
    expect((await bundle()).bundle.code).toContain('as default');
  });

  it('a missing entry points at firstlight.json', async () => {
    const error = await failure();
    expect(error).toMatchObject({ code: 'ENTRY_MISSING', exitCode: 2 });
    expect(error.details.problems?.[0]).toMatchObject({ file: 'firstlight.json', line: 3, column: 3 });
  });

  it('an entry that is a link out of the project is refused', async () => {
    await writeFile(join(home, 'outside.ts'), 'export default () => 1;');
    await symlink(join(home, 'outside.ts'), join(dir, 'handler.ts'));
    expect(await failure()).toMatchObject({ code: 'PATH_ESCAPES' });
  });

  it('a missing default export names the file', async () => {
    await write('handler.ts', 'export function handler() {}');
    const error = await failure();
    expect(error).toMatchObject({ code: 'EXPORT_MISSING', hint: expect.stringContaining('export default') });
    expect(error.details.problems?.[0]).toMatchObject({ file: 'handler.ts', line: 1 });
  });

  it('a configuration with errors is not built', async () => {
    await write('firstlight.json', '{"name":"hello","vcpus":0,"memory":1}');
    const error = await failure();
    expect(error).toMatchObject({ code: 'PROJECT_INVALID', exitCode: 2 });
    expect(error.details.problems).toHaveLength(2);
  });

  it('a build is cancelled by its signal, and the next one works', async () => {
    await write('handler.ts', 'export default () => 1;');
    const project = await readProject(dir, runtimes);
    const abort = new AbortController();
    const building = bundler.bundle(project, { signal: abort.signal, progress: () => abort.abort() });
    await expect(building).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await bundle()).bundle.code).toContain('1');
  });

  it('a build that follows one cancelled at any moment has its own result', async () => {
    // Code that takes the compiler long enough to be cancelled at its work.
    const rest = Array.from({ length: 4_000 }, (_, at) => `export const name${at} = () => [${at}, "text"];`).join('\n');
    await write('handler.ts', `export default () => 0;\n${rest}`);
    await bundle();
    for (let count = 1; count <= 5; count += 1) {
      await write('handler.ts', `export default () => "round ${count}";\n${rest}`);
      const project = await readProject(dir, runtimes);
      const abort = new AbortController();
      const cancelled = bundler.bundle(project, { signal: abort.signal, progress: () => undefined });
      const next = bundler.bundle(project, request());
      setTimeout(() => abort.abort(), 6 * count);
      await cancelled.catch((thrown: FirstlightError) => expect(thrown.code).toBe('CANCELLED'));
      expect((await next).bundle.code).toContain(`round ${count}`);
    }
  });
});

describe('a project in a folder with a star in its name', () => {
  it('is built', async () => {
    dir = join(home, '*');
    await write('firstlight.json', '{ "name": "star" }');
    await write('handler.ts', 'export default () => "a star";');
    expect((await bundle()).bundle.code).toContain('a star');
  });
});

describe('a file outside the project', () => {
  const handler = (specifier: string, more = '') =>
    write('handler.ts', `const one = 1;\nimport x from '${specifier}'${more};\nexport default () => [one, x];\n`);
  const bundleTrusted = async () =>
    (await bundler.bundle({ ...(await readProject(dir, runtimes)), trusted: true }, request())).bundle;

  it.each(['config.txt', 'page.html', 'key.bin', 'code.ts'])(
    'is taken in only where the project is trusted: %s',
    async (name) => {
      const path = `../secret/${name}`;
      await write(path, 'export default "private";');
      await handler(path);
      const error = await failure();
      expect(error).toMatchObject({
        code: 'PROJECT_NOT_TRUSTED',
        message: expect.stringContaining(`Imports "${path}", which lies outside the project.`),
        hint: expect.stringContaining(`firstlight trust ${dir}`),
      });
      expect(error.details.problems).toMatchObject([{ severity: 'error', file: 'handler.ts', line: 2, column: 15 }]);
      const { code, warnings } = await bundleTrusted();
      expect(code).toMatch(/private|ZXhwb3J0/);
      expect(warnings).toMatchObject([{ severity: 'warning', file: 'handler.ts', line: 2, column: 15 }]);
      // A bundle from the time of trust is not kept afterwards.
      expect(await failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    },
  );

  it('is refused however it is named', async () => {
    await write('../secret/config.txt', 'private');
    await write('../secret/styles.css', 'private');
    await symlink(join(home, 'secret/config.txt'), join(dir, 'innocent.txt'));
    await handler('./innocent.txt');
    expect(await failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    await handler('../secret/styles');
    expect(await failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    await write('../secret/code.js', 'private');
    await handler('../secret/code.js', ` with { type: 'text' }`);
    expect(await failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    const paths = { '#inside/*': ['../secret/*'] };
    await write('tsconfig.json', JSON.stringify({ compilerOptions: { paths } }));
    await handler('#inside/config.txt');
    expect(await failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    await symlink(join(home, 'secret'), join(dir, 'node_modules'));
    await write('../secret/package/index.js', 'export default 1;');
    await handler('package');
    expect(await failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
  });

  it('does not lie beside a function by a link', async () => {
    await write('firstlight.json', '{ "name": "hello", "runtime": "nanos" }');
    await write('../secret/key', 'private');
    await symlink(join(home, 'secret'), join(dir, 'data'));
    await write(
      'handler.ts',
      `import { readFileSync } from 'node:fs';\nexport default () => readFileSync(new URL('data/key', import.meta.url), 'utf8');`,
    );
    expect(await failure()).toMatchObject({
      code: 'PROJECT_NOT_TRUSTED',
      message: expect.stringContaining(`Takes ${home}/secret/key into its image, by a link.`),
    });
    expect((await bundleTrusted()).files).toMatchObject([{ guest: '/firstlight/data/key' }]);
  });

  it('is taken without a word when it was installed', async () => {
    await write('../node_modules/hoisted/index.js', 'export default "hoisted";');
    await write('../node_modules/hoisted/note.txt', 'a note');
    await write(
      'handler.ts',
      `import hoisted from 'hoisted';\nimport note from 'hoisted/note.txt';\nexport default () => [hoisted, note];`,
    );
    const { bundle: made } = await bundle();
    expect(made.code).toContain('a note');
    expect(made.warnings).toEqual([]);
  });
});

import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { readProject } from '../projects/project-service.ts';
import { bundleProject } from './testing/bundle-project.ts';

const fixture = bundleProject();
/** Files are older than the build by more than the granularity of the file system's clock. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 40));

describe('a bundle', () => {
  it('finds files by computed names as Node.js does, without their ends', async () => {
    await fixture.write('lib/a.js', 'exports.v = "A";');
    await fixture.write('lib/b/index.js', 'exports.v = "B";');
    await fixture.write('lib/c.json', '"C"');
    await fixture.write(
      'handler.ts',
      "export default (name: string) => { const found = require('./lib/' + name); return found.v ?? found; };",
    );
    const { bundle: made } = await fixture.bundle();
    const { default: find } = await import(`data:text/javascript,${encodeURIComponent(made.code)}`);
    expect(['a', 'a.js', 'b', 'b/', 'c', 'c.json'].map(find)).toEqual(['A', 'A', 'B', 'B', 'C', 'C']);
    expect(() => find('none')).toThrow('Module not found in bundle: ./lib/none');
    expect(made.warnings).toEqual([]);
  });

  it('has a folder with files that are no code; one that an import names is an error', async () => {
    await fixture.write('lib/a.js', 'exports.v = "A";');
    await fixture.write('lib/b.yaml', 'a: 1');
    await fixture.write('handler.ts', "export default (name: string) => require('./lib/' + name).v;");
    const { bundle: made } = await fixture.bundle();
    const { default: find } = await import(`data:text/javascript,${encodeURIComponent(made.code)}`);
    expect(find('a')).toBe('A');
    expect(() => find('b.yaml')).toThrow('b.yaml is not code');
    await fixture.write(
      'handler.ts',
      "import './lib/b.yaml'; export default (name: string) => require('./lib/' + name).v;",
    );
    await expect(fixture.bundle()).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  });

  it('has a folder with files without an ending, which are code or not', async () => {
    await fixture.write('lib/a.js', 'exports.v = "A";');
    await fixture.write('lib/tool', 'exports.v = "T";');
    await fixture.write('lib/LICENSE', 'The licence of (this');
    await fixture.write('lib/odd.', 'x');
    await fixture.write('handler.ts', "export default (name: string) => require('./lib/' + name).v;");
    const { bundle: made } = await fixture.bundle();
    const { default: find } = await import(`data:text/javascript,${encodeURIComponent(made.code)}`);
    expect(['a', 'tool'].map(find)).toEqual(['A', 'T']);
    for (const name of ['LICENSE', 'odd.']) expect(() => find(name)).toThrow(`${name} is not code`);
    for (const name of ['LICENSE', 'odd.']) {
      await fixture.write(
        'handler.ts',
        `import './lib/${name}'; export default (name: string) => require('./lib/' + name).v;`,
      );
      const { code, details } = await fixture.failure();
      expect({ code, problems: details.problems }).toMatchObject({ code: 'BUILD_FAILED', problems: [{}] });
    }
    await fixture.write('handler.ts', "import './lib/LICENSE'; export default () => 1;");
    expect((await fixture.failure()).details.problems).toMatchObject([{ file: 'lib/LICENSE', line: 1 }]);
    await fixture.write('main', 'no ) code');
    await fixture.write('firstlight.json', '{"name":"f","entry":"main"}');
    await expect(fixture.failure()).resolves.toMatchObject({
      code: expect.stringMatching(/BUILD_FAILED|PROJECT_INVALID/),
    });
  });

  it('is one module that imports nothing, of TypeScript, JSON, text, bytes and packages', async () => {
    await fixture.write(
      'handler.ts',
      `import type { Event } from 'firstlight';
import { shout } from 'loud';
import words from './words.json';
import note from './note.txt';
import blob from './blob.bin';
export default (event: Event): object => ({ said: shout(words[0]!), note, size: blob.length });`,
    );
    await fixture.write('words.json', '["hello"]');
    await fixture.write('note.txt', 'a note');
    await fixture.write('blob.bin', '\u0001\u0002');
    await fixture.write('node_modules/loud/package.json', '{"name":"loud","main":"node.js","browser":"web.js"}');
    await fixture.write('node_modules/loud/node.js', 'exports.shout = require("node:util").inspect;');
    await fixture.write('node_modules/loud/web.js', 'exports.shout = (text) => text.toUpperCase();');
    const { bundle: made, reused } = await fixture.bundle();
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
    await fixture.write('handler.ts', 'export default () => 1;');
    const first = (await fixture.bundle()).bundle;
    expect((await fixture.bundle()).bundle.id).toBe(first.id);
    await fixture.write('firstlight.json', '{"name":"hello","memoryMiB":128,"timeoutMs":5}');
    expect((await fixture.bundle()).bundle).toMatchObject({ id: first.id, config: { memoryMiB: 128 } });
    await fixture.write('firstlight.json', '{"name":"hello","env":{"A":"1"}}');
    expect((await fixture.bundle()).bundle.id).not.toBe(first.id);
    await fixture.write('firstlight.json', '{"name":"hello"}');
    await fixture.write('handler.ts', 'export default () => 2;');
    expect((await fixture.bundle()).bundle.id).not.toBe(first.id);
  });

  it('is named by the further files of its image, too', async () => {
    await fixture.write(
      'firstlight.json',
      JSON.stringify({ name: 'hello', runtime: 'nanos', files: { '/data': 'data' } }),
    );
    await fixture.write('handler.ts', 'export default () => 1;');
    await fixture.write('data/words.txt', 'one');
    await settle();
    const first = (await fixture.bundle()).bundle;
    expect(first.inputs.map(({ path }) => path)).toEqual(['handler.ts', 'data/words.txt']);
    expect((await fixture.bundle()).bundle.id).toBe(first.id);
    expect(await fixture.bundle(fixture.newBundler())).toEqual({ bundle: first, reused: true });
    expect(await fixture.bundler.load(first.id)).toEqual(first);
    await fixture.write('data/words.txt', 'two');
    for (const by of [fixture.bundler, fixture.newBundler()]) {
      const second = (await fixture.bundle(by)).bundle;
      expect([second.id === first.id, second.code === first.code]).toEqual([false, true]);
    }
  });

  it('is found again by another process without compiling, until something changes', async () => {
    await fixture.write('handler.ts', "import { a } from './util';\nexport default () => a;");
    await fixture.write('util.ts', 'export const a = 1;');
    await settle();
    const first = (await fixture.bundle()).bundle;
    expect(await fixture.bundle(fixture.newBundler())).toEqual({ bundle: first, reused: true });
    expect(await fixture.newBundler().load(first.id)).toEqual(first);
    // A new file that the import finds first.
    await fixture.write('util/index.ts', 'export const a = 3;');
    await fixture.write('util.tsx', 'export const a = 2;');
    await rm(join(fixture.dir, 'util.ts'));
    const second = await fixture.bundle(fixture.newBundler());
    expect(second.reused).toBe(false);
    expect(second.bundle.code).toContain('a = 2');
  });

  it('sees every edit, at once', async () => {
    for (let count = 0; count < 8; count++) {
      await fixture.write('handler.ts', `export default () => ${count};`);
      expect((await fixture.bundle()).bundle.code).toContain(`() => ${count}`);
      expect((await fixture.bundle(fixture.newBundler())).bundle.code).toContain(`() => ${count}`);
    }
  });

  /** Builds repeatedly, and keeps the files compiled in that time. */
  function countCompilations(): { compiled: string[]; build: () => Promise<string> } {
    const compiled: string[] = [];
    const build = async () => {
      const outcome = await fixture.bundler.bundle(await readProject(fixture.dir, runtimes), {
        signal: new AbortController().signal,
        progress: ({ message }) => void compiled.push(message),
      });
      return outcome.bundle.id;
    };
    return { compiled, build };
  }

  it('compiles nothing again while its files are as they were, also when it is warm', async () => {
    await fixture.write('handler.ts', 'export default () => 1;');
    await settle();
    const { compiled, build } = countCompilations();
    const first = await build();
    expect(compiled).toHaveLength(1);
    expect(await build()).toBe(first);
    expect(compiled).toHaveLength(1);
    // Another content of the same size, and of the same time of modification.
    const path = join(fixture.dir, 'handler.ts');
    const { atime, mtime } = await stat(path);
    await writeFile(path, 'export default () => 2;');
    await utimes(path, atime, mtime);
    expect(await build()).not.toBe(first);
    expect(compiled).toHaveLength(2);
  });

  it('compiles once for each edit, while it is warm', async () => {
    await fixture.write('handler.ts', 'export default () => 0;');
    const { compiled, build } = countCompilations();
    const ids = new Set([await build()]);
    for (let count = 1; count <= 9; count++) {
      await fixture.write('handler.ts', `export default () => ${count};`);
      ids.add(await build());
      expect(compiled).toHaveLength(1 + count);
    }
    expect(ids.size).toBe(10);
  });
});

describe('a project in a folder with a star in its name', () => {
  it('is built', async () => {
    fixture.dir = join(fixture.home, '*');
    await fixture.write('firstlight.json', '{ "name": "star" }');
    await fixture.write('handler.ts', 'export default () => "a star";');
    expect((await fixture.bundle()).bundle.code).toContain('a star');
  });
});

import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import type { FirstlightError } from '#shared/errors.ts';
import { readProject } from '../projects/project-service.ts';
import { bundleProject } from './testing/bundle-project.ts';

const fixture = bundleProject();

describe('code that cannot be bundled', () => {
  it('a syntax error has file, line and column', async () => {
    await fixture.write('handler.ts', 'export default () => {\n  const é = "ü"; let = ;\n};');
    const error = await fixture.failure();
    expect(error).toMatchObject({ code: 'BUILD_FAILED', exitCode: 4 });
    expect(error.message).toMatch(/^handler\.ts:2:\d+: /);
    expect(error.details.problems?.[0]).toMatchObject({
      file: 'handler.ts',
      line: 2,
      lineText: '  const é = "ü"; let = ;',
    });
  });

  it('columns count characters, not bytes', async () => {
    await fixture.write('handler.ts', 'const a = "éüß"; import "./nope";\nexport default () => a;');
    expect((await fixture.failure()).details.problems?.[0]).toMatchObject({ line: 1, column: 25 });
  });

  it('imports that the guest cannot have are explained, all at once', async () => {
    await fixture.write(
      'handler.ts',
      `import { readFile } from 'node:fs/promises';
import net from 'net';
import left from 'left-pad/index.js';
import scoped from '@acme/tool/x';
import './nope';
import web from 'https://example.org/x.js';
export default () => [readFile, net, left, scoped, web];`,
    );
    const error = await fixture.failure();
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
    await fixture.write('handler.ts', "import picture from './a.png';\nexport default () => picture;");
    await fixture.write('a.png', 'x');
    expect((await fixture.failure()).details.problems?.[0]).toMatchObject({
      line: 1,
      message: expect.stringMatching(/^Files that end in "\.png" cannot be imported: .*\(\.bin\)\.$/),
    });
  });

  it('a package may ask for Node.js where it is ready to do without', async () => {
    await fixture.write('handler.js', 'let fs; try { fs = require("fs"); } catch {}\nexport default () => fs ?? null;');
    await fixture.write('firstlight.json', '{"name":"hello","entry":"handler.js"}');
    expect((await fixture.bundle()).bundle.code).toContain('as default');
  });

  it('a package that cannot be is told of beside one with a dot in its name, and beside such a file', async () => {
    await fixture.write('handler.ts', "import a from 'a';\nexport default () => a;");
    await fixture.write(
      'node_modules/a/index.js',
      'require("net"); module.exports = [require("fn.name"), require("./b.service")];',
    );
    await fixture.write('node_modules/a/b.service.js', 'module.exports = 1;');
    await fixture.write('node_modules/fn.name/index.js', 'module.exports = 2;');
    expect((await fixture.failure()).message).toMatch(/ It is imported by handler\.ts → a\/index\.js\.$/);
  });

  it('a missing entry points at firstlight.json', async () => {
    const error = await fixture.failure();
    expect(error).toMatchObject({ code: 'ENTRY_MISSING', exitCode: 2 });
    expect(error.details.problems?.[0]).toMatchObject({ file: 'firstlight.json', line: 3, column: 3 });
  });

  it('an entry that is a link out of the project is refused', async () => {
    await writeFile(join(fixture.home, 'outside.ts'), 'export default () => 1;');
    await symlink(join(fixture.home, 'outside.ts'), join(fixture.dir, 'handler.ts'));
    expect(await fixture.failure()).toMatchObject({ code: 'PATH_ESCAPES' });
  });

  it('a missing default export names the file', async () => {
    await fixture.write('handler.ts', 'export function handler() {}');
    const error = await fixture.failure();
    expect(error).toMatchObject({ code: 'EXPORT_MISSING', hint: expect.stringContaining('export default') });
    expect(error.details.problems?.[0]).toMatchObject({ file: 'handler.ts', line: 1 });
  });

  it('a configuration with errors is not built', async () => {
    await fixture.write('firstlight.json', '{"name":"hello","vcpus":0,"memory":1}');
    const error = await fixture.failure();
    expect(error).toMatchObject({ code: 'PROJECT_INVALID', exitCode: 2 });
    expect(error.details.problems).toHaveLength(2);
  });

  it('a build is cancelled by its signal, and the next one works', async () => {
    await fixture.write('handler.ts', 'export default () => 1;');
    const project = await readProject(fixture.dir, runtimes);
    const abort = new AbortController();
    const building = fixture.bundler.bundle(project, { signal: abort.signal, progress: () => abort.abort() });
    await expect(building).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await fixture.bundle()).bundle.code).toContain('1');
  });

  it('a build that follows one cancelled at any moment has its own result', async () => {
    // Code that takes the compiler long enough to be cancelled at its work.
    const rest = Array.from({ length: 4_000 }, (_, at) => `export const name${at} = () => [${at}, "text"];`).join('\n');
    await fixture.write('handler.ts', `export default () => 0;\n${rest}`);
    await fixture.bundle();
    for (let count = 1; count <= 5; count += 1) {
      await fixture.write('handler.ts', `export default () => "round ${count}";\n${rest}`);
      const project = await readProject(fixture.dir, runtimes);
      const abort = new AbortController();
      const cancelled = fixture.bundler.bundle(project, { signal: abort.signal, progress: () => undefined });
      const next = fixture.bundler.bundle(project, fixture.request());
      setTimeout(() => abort.abort(), 6 * count);
      await cancelled.catch((thrown: FirstlightError) => expect(thrown.code).toBe('CANCELLED'));
      expect((await next).bundle.code).toContain(`round ${count}`);
    }
  });
});

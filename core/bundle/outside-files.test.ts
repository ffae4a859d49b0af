import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { readProject } from '../projects/project-service.ts';
import { bundleProject } from './testing/bundle-project.ts';

const fixture = bundleProject();

describe('a file outside the project', () => {
  const handler = (specifier: string, more = '') =>
    fixture.write(
      'handler.ts',
      `const one = 1;\nimport x from '${specifier}'${more};\nexport default () => [one, x];\n`,
    );
  const bundleTrusted = async () =>
    (await fixture.bundler.bundle({ ...(await readProject(fixture.dir, runtimes)), trusted: true }, fixture.request()))
      .bundle;

  it.each(['config.txt', 'page.html', 'key.bin', 'code.ts'])(
    'is taken in only where the project is trusted: %s',
    async (name) => {
      const path = `../secret/${name}`;
      await fixture.write(path, 'export default "private";');
      await handler(path);
      const error = await fixture.failure();
      expect(error).toMatchObject({
        code: 'PROJECT_NOT_TRUSTED',
        message: expect.stringContaining(`Imports "${path}", which lies outside the project.`),
        hint: expect.stringContaining(`firstlight trust ${fixture.dir}`),
      });
      expect(error.details.problems).toMatchObject([{ severity: 'error', file: 'handler.ts', line: 2, column: 15 }]);
      const { code, warnings } = await bundleTrusted();
      expect(code).toMatch(/private|ZXhwb3J0/);
      expect(warnings).toMatchObject([{ severity: 'warning', file: 'handler.ts', line: 2, column: 15 }]);
      // A bundle from the time of trust is not kept afterwards.
      expect(await fixture.failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    },
  );

  it('is refused however it is named', async () => {
    await fixture.write('../secret/config.txt', 'private');
    await fixture.write('../secret/styles.css', 'private');
    await symlink(join(fixture.home, 'secret/config.txt'), join(fixture.dir, 'innocent.txt'));
    await handler('./innocent.txt');
    expect(await fixture.failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    await handler('../secret/styles');
    expect(await fixture.failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    await fixture.write('../secret/code.js', 'private');
    await handler('../secret/code.js', ` with { type: 'text' }`);
    expect(await fixture.failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    const paths = { '#inside/*': ['../secret/*'] };
    await fixture.write('tsconfig.json', JSON.stringify({ compilerOptions: { paths } }));
    await handler('#inside/config.txt');
    expect(await fixture.failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
    await symlink(join(fixture.home, 'secret'), join(fixture.dir, 'node_modules'));
    await fixture.write('../secret/package/index.js', 'export default 1;');
    await handler('package');
    expect(await fixture.failure()).toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
  });

  it('does not lie beside a function by a link', async () => {
    await fixture.write('firstlight.json', '{ "name": "hello", "runtime": "nanos" }');
    await fixture.write('../secret/key', 'private');
    await symlink(join(fixture.home, 'secret'), join(fixture.dir, 'data'));
    await fixture.write(
      'handler.ts',
      `import { readFileSync } from 'node:fs';\nexport default () => readFileSync(new URL('data/key', import.meta.url), 'utf8');`,
    );
    expect(await fixture.failure()).toMatchObject({
      code: 'PROJECT_NOT_TRUSTED',
      message: expect.stringContaining(`Takes ${fixture.home}/secret/key into its image, by a link.`),
    });
    expect((await bundleTrusted()).files).toMatchObject([{ guest: '/firstlight/data/key' }]);
  });

  it('is taken without a word when it was installed', async () => {
    await fixture.write('../node_modules/hoisted/index.js', 'export default "hoisted";');
    await fixture.write('../node_modules/hoisted/note.txt', 'a note');
    await fixture.write(
      'handler.ts',
      `import hoisted from 'hoisted';\nimport note from 'hoisted/note.txt';\nexport default () => [hoisted, note];`,
    );
    const { bundle: made } = await fixture.bundle();
    expect(made.code).toContain('a note');
    expect(made.warnings).toEqual([]);
  });
});

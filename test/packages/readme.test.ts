import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-readme-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe.each(['files', 'elf', 'tar', 'tfs', 'disk', 'oci'])('the README of packages/%s', (name) => {
  it('has examples that run as they are written', async () => {
    const text = await readFile(join(root, 'packages', name, 'README.md'), 'utf8');
    const examples = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const [index, contents] of examples.entries()) {
      const outfile = join(dir, `${name}-${index}.mjs`);
      const banner = {
        js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
      };
      await build({
        stdin: { contents, resolveDir: join(root, 'packages', name), loader: 'ts' },
        bundle: true,
        format: 'esm',
        platform: 'node',
        target: 'node20',
        outfile,
        logLevel: 'silent',
        conditions: ['source'],
        banner,
      });
      const cwd = await mkdtemp(join(dir, `${name}-`));
      const { stdout } = await promisify(execFile)(process.execPath, [outfile], { cwd });
      // The output of a line in its comment, where the comment has it in full.
      for (const [, said = ''] of contents.matchAll(/console\.log\(.*\); \/\/ ([^…\n]+)$/gm)) {
        expect(stdout.replace(/\s+/g, ' ')).toContain(said.trim().replace(/\s+/g, ' '));
      }
    }
  }, 120_000);
});

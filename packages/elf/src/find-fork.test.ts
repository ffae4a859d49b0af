import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFork } from './find-fork.ts';
import { resolveClosure } from './resolve-closure.ts';
import { emptyMain, mainCalling, openWorkshop, type Workshop } from './testing/compile.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.remove());

const forks = async (path: string) => findFork(await resolveClosure(path, { libraryPath: [shop.dir] }));
const spawning =
  '#include <stdlib.h>\n#include <unistd.h>\nint spawn(void) { return fork() == 0 ? system("true") : 0; }\n';

/** The version of a compiler; null when it is not installed. */
async function versionOf(tool: string, ...args: readonly string[]): Promise<string | null> {
  return runTool(tool, args).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}
const go = await versionOf('go', 'version');
const rust = await versionOf('rustc', '--version');

describe('a program that starts processes', () => {
  test('is found by what it imports', async () => {
    const report = await forks(await shop.compile('dynamic', `${spawning}int main(void) { return spawn(); }`));
    expect(report.uses).toEqual([
      {
        object: join(shop.dir, 'dynamic'),
        calls: expect.arrayContaining(['fork', 'system']),
        how: 'imports',
        level: 'likely',
      },
    ]);
  });

  test('is found by what is linked in', async () => {
    const report = await forks(
      await shop.compile('static', `${spawning}int main(void) { return spawn(); }`, '-static'),
    );
    expect(report.uses).toMatchObject([{ how: 'links', level: 'likely' }]);
    expect(report.uses[0]?.calls).toEqual(expect.arrayContaining(['fork', 'system']));
  });

  test('may be one whose library can', async () => {
    const library = await shop.compile('libspawn.so', spawning, '-shared', '-fPIC', '-Wl,-soname,libspawn.so');
    const report = await forks(await shop.compile('by-library', mainCalling('spawn'), library));
    expect(report.uses).toMatchObject([{ object: library, level: 'may' }]);
  });

  test('may be a language runtime that can', async () => {
    const [use] = (await forks(process.execPath)).uses;
    expect(use).toMatchObject({ object: process.execPath, level: 'may' });
  });

  test.skipIf(go === null)(
    `is found when it is Go's, also when stripped${go === null ? ' (skipped: no go)' : ''}`,
    async () => {
      const build = async (name: string, body: string) => {
        await writeFile(join(shop.dir, `${name}.go`), `package main\n${body}\n`);
        const env = { GOCACHE: join(shop.dir, 'go-cache'), CGO_ENABLED: '0', GO111MODULE: 'off', GOFLAGS: '' };
        const args = ['build', '-ldflags=-s -w', '-o', name, `${name}.go`];
        await runTool('go', args, { cwd: shop.dir, env, timeoutMs: 120_000 });
        return forks(join(shop.dir, name));
      };
      const quiet = await build('quiet', 'import "fmt"\nfunc main() { fmt.Println("x") }');
      expect(quiet).toEqual({ uses: [], isUnknown: false });
      const busy = await build('busy', 'import "os/exec"\nfunc main() { exec.Command("ls").Run() }');
      expect(busy.uses).toMatchObject([{ how: 'links', calls: expect.arrayContaining(['os/exec.(*Cmd).Start']) }]);
    },
    180_000,
  );

  test.skipIf(rust === null)(
    `is found when it is Rust's${rust === null ? ' (skipped: no rustc)' : ''}`,
    async () => {
      const build = async (name: string, body: string) => {
        await writeFile(join(shop.dir, `${name}.rs`), `fn main() { ${body} }`);
        await runTool('rustc', ['-o', name, `${name}.rs`], { cwd: shop.dir, timeoutMs: 120_000 });
        return forks(join(shop.dir, name));
      };
      expect((await build('rust-quiet', 'println!("x");')).uses).toEqual([]);
      const busy = await build('rust-busy', 'std::process::Command::new("ls").status().unwrap();');
      expect(busy.uses).toMatchObject([{ how: 'imports', calls: expect.arrayContaining(['fork', 'posix_spawnp']) }]);
    },
    180_000,
  );
});

describe('a program that does not', () => {
  test('gives no warning, though its C library could', async () => {
    for (const flags of [[], ['-static']]) {
      const report = await forks(await shop.compile(`quiet${flags.length}`, emptyMain, ...flags));
      expect(report).toEqual({ uses: [], isUnknown: false });
    }
  });

  test('cannot be identified without its names', async () => {
    const report = await forks(await shop.compile('stripped', emptyMain, '-static', '-s'));
    expect(report).toEqual({ uses: [], isUnknown: true });
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

let dir: string;
let module: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-spawn-'));
  module = join(dir, 'spawn-alone.mjs');
  const source = new URL('./spawn-alone.ts', import.meta.url).pathname;
  buildSync({ entryPoints: [source], outfile: module, format: 'esm', platform: 'node', bundle: true });
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The open files of a grandchild, started by `start` in a process with an inheritable descriptor 50, as in Chromium. */
function filesOfGrandchild(start: string): string {
  const script = `import { spawn } from 'node:child_process';
    import { spawnAlone } from ${JSON.stringify(module)};
    const child = ${start};
    child.stdout?.pipe(process.stdout);`;
  const held = openSync(join(dir, 'held'), 'w');
  const stdio = ['ignore', 'pipe', 'inherit', ...new Array<'ignore'>(47).fill('ignore'), held] as const;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: [...stdio], encoding: 'utf8' });
}

const list = `'find', ['/proc/self/fd', '-lname', '/*', '-printf', '%f %l\\n']`;

it('gives a child none of the descriptors that this process left inheritable', () => {
  expect(filesOfGrandchild(`spawn(${list}, { stdio: ['ignore', 'pipe', 'ignore'] })`)).toContain(
    `50 ${join(dir, 'held')}`,
  );
  const files = filesOfGrandchild(`spawnAlone(${list}, { stdio: ['ignore', 'pipe', 'ignore'] })`);
  expect(files).not.toContain(join(dir, 'held'));
  expect(files).toContain('50 /dev/null');
});

it('gives it the descriptors that it is asked to', () => {
  const stdio = `['ignore', 'pipe', 'ignore', 50]`;
  expect(filesOfGrandchild(`spawnAlone(${list}, { stdio: ${stdio} })`)).toContain(`3 ${join(dir, 'held')}`);
});

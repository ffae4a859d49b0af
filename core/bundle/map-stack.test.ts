import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import type { Bundle } from '#core/runtime/bundle.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { createBundler } from './bundler.ts';
import { locateStack, mapStack, nameLoop } from './map-stack.ts';

let home: string;
let bundle: Bundle;
/** The place in the bundle where a piece of code lies, as QuickJS would write it. */
function at(code: string): string {
  const lines = bundle.code.split('\n');
  const line = lines.findIndex((text) => text.includes(code));
  return `bundle.js:${line + 1}:${(lines[line]?.indexOf(code) ?? 0) + 1}`;
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-map-'));
  const layout = createLayout({ home, env: {}, uid: 1000 });
  await writeFile(join(home, 'firstlight.json'), '{"name":"hello"}');
  await writeFile(
    join(home, 'handler.ts'),
    `interface Unused { a: string }
import { check } from './check.ts';

export default function handler(event: { n: number }): number {
  return [event.n].map((n: number) => check(n))[0]!;
}
`,
  );
  await writeFile(
    join(home, 'check.ts'),
    'export function check(n: number): number {\n  throw new RangeError("no " + n);\n}\n',
  );
  const bundler = createBundler({ layout, version: 'test', shimsDir: locateResources().shimsDir, runtimes: bundlings });
  const request = { signal: new AbortController().signal, progress: () => undefined };
  ({ bundle } = await bundler.bundle(await readProject(home, runtimes), request));
  await bundler.close();
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('a stack of the guest', () => {
  it('names the lines of the source', () => {
    const raw = `    at check (${at('new RangeError')})
    at <anonymous> (${at('check(n))')})
    at map (native)
    at handler (${at('.map(')})
    at invoke (ember:dispatch:12:5)
`;
    expect(mapStack(bundle, raw)).toBe(`    at check (check.ts:2:9)
    at <anonymous> (handler.ts:5:39)
    at map (native)
    at handler (handler.ts:5:18)`);
    expect(locateStack(bundle, raw)).toEqual({
      file: 'check.ts',
      line: 2,
      column: 9,
      lineText: '  throw new RangeError("no " + n);',
    });
  });

  it('keeps lines that are not frames, and drops what has no place in the source', () => {
    expect(mapStack(bundle, 'RangeError: no 3\n    at x (bundle.js:9999:1)\n    at y (bundle.js:1:1)')).not.toContain(
      '9999',
    );
    expect(mapStack(bundle, 'RangeError: no 3')).toBe('RangeError: no 3');
    expect(mapStack(bundle, '')).toBe('');
    expect(locateStack(bundle, '    at map (native)')).toBeNull();
  });

  it('reads frames without a name or a column', () => {
    const place = at('new RangeError');
    expect(mapStack(bundle, `    at ${place}`)).toBe('    at check.ts:2:9');
    expect(mapStack(bundle, `    at check (${place.replace(/:\d+$/, '')})`)).toMatch(/check\.ts:2:\d+/);
  });

  it('names the loop that a guest was stopped in, in its first frame', () => {
    const code = 'function spin(n) {\n  for (; ; ) {\n  }\n}\nfor (; ; ) {\n}';
    const raw = '    at spin (bundle.js:1:10)\n    at bundle.js:4:1';
    expect(nameLoop({ code }, raw)).toBe('    at spin (bundle.js:2:3)\n    at bundle.js:4:1');
    expect(nameLoop({ code }, '    at map (native)\n    at bundle.js:1:10')).toContain('bundle.js:1:10');
  });
});

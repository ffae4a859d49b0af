import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { benchWpt } from './wpt.ts';

/** What the runner uses of web-platform-tests' harness. */
const harness = `
  const listeners = { result: [], completion: [] };
  globalThis.setup = () => undefined;
  globalThis.add_result_callback = (listener) => listeners.result.push(listener);
  globalThis.add_completion_callback = (listener) => listeners.completion.push(listener);
  globalThis.test = (act, name) => {
    let [status, message] = [0, null];
    try { act(); } catch (error) { [status, message] = [1, String(error)]; }
    for (const listener of listeners.result) listener({ name, status, message });
  };
  setTimeout(() => { for (const listener of listeners.completion) listener(); }, 5);
`;
const tests = `// META: script=resources/help.js
test(() => { if (new URL('https://a/b').pathname !== wanted) throw new Error('wrong'); }, 'parses');
test(() => { throw new Error('no'); }, 'fails');
`;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-wpt-'));
  for (const [path, text] of Object.entries({
    'resources/testharness.js': harness,
    'url/a.any.js': tests,
    'url/resources/help.js': "const wanted = '/b';",
    'url/b.any.js': 'test(() => null.x, "throws");',
    'url/c.any.js': 'throw new Error("broken");',
    'url/page.html': '<p>',
  })) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), text);
  }
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('counts what passes, and says what fails and why', async () => {
  const lines: string[] = [];
  const results = await benchWpt({ dir, log: (line) => lines.push(line) });
  expect(Object.keys(results)).toEqual(['url']);
  expect(results.url).toMatchObject({ files: 3, passed: 1, total: 4, unfinished: 1 });
  expect(JSON.stringify(results.url)).toContain('fails: Error: no');
  expect(JSON.stringify(results.url)).toContain('broken');
  expect(lines[0]).toMatch(/^url: .*"passed":1/);
});

it('says what it needs', async () => {
  await expect(benchWpt({ log: () => undefined })).rejects.toMatchObject({ code: 'BAD_INPUT' });
});

import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { openFunction } from '#core/runtimes/ember/testing/open-function.ts';
import { FirstlightError } from '#shared/errors.ts';
import { shimsOf } from '../globals.ts';
import { openWorkshop, type Workshop } from './bundle-and-open.ts';

/** The areas whose tests need no browser and no network. Folders of web-platform-tests. */
const areas = [
  'FileAPI/blob',
  'FileAPI/file',
  'compression',
  'console',
  'dom/abort',
  'dom/events',
  'encoding',
  'fetch/api/headers',
  'fetch/api/request',
  'fetch/api/response',
  'hr-time',
  'html/webappapis',
  'performance-timeline',
  'streams',
  'url',
  'user-timing',
  'webidl',
  'webmessaging',
  'xhr/formdata',
  'WebCryptoAPI',
];
/** A test of a browser takes seconds; the slowest algorithms take that in an interpreter. */
const patienceMs = 60_000;

/** The options that `npm run bench` gives. */
export interface WptOptions {
  readonly dir?: string | undefined;
  readonly log: (line: string) => void;
}

/** The outcome of one file. Shape: `problem` is why it gave no whole result, or null. */
interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly total: number;
  readonly problem: string | null;
  readonly failed: readonly string[];
}

/**
 * The pass rates of the web platform's public tests in the guest's engine, by area. Needs a checkout of
 * web-platform-tests, which is no part of this project. Errors: BAD_INPUT.
 */
export async function benchWpt({ dir, log }: WptOptions) {
  if (dir === undefined) {
    throw new FirstlightError('BAD_INPUT', 'The benchmark wpt needs a checkout of web-platform-tests.', {
      hint: 'npm run bench -- wpt --dir <path>',
    });
  }
  const shop = await openWorkshop();
  try {
    const results: Record<string, unknown> = {};
    for (const area of areas) {
      const files = await listTests(dir, area);
      if (files.length === 0) continue;
      const outcomes: FileResult[] = [];
      for (const file of files) outcomes.push(await runTest(shop, dir, file));
      results[area] = summarise(outcomes);
      log(`${area}: ${JSON.stringify({ ...summarise(outcomes), failures: undefined })}`);
    }
    return results;
  } finally {
    await shop.close();
  }
}

function summarise(outcomes: readonly FileResult[]) {
  const sum = (read: (one: FileResult) => number) => outcomes.reduce((total, one) => total + read(one), 0);
  return {
    files: outcomes.length,
    passed: sum(({ passed }) => passed),
    total: sum(({ total }) => total),
    unfinished: outcomes.filter(({ problem }) => problem !== null).length,
    failures: outcomes
      .filter(({ problem, failed }) => problem !== null || failed.length > 0)
      .map(({ file, problem, failed }) => ({ file, ...(problem !== null && { problem }), failed })),
  };
}

/** The tests of an area that run in any global; not those of interfaces' form, which need the standards' own texts. */
async function listTests(dir: string, area: string): Promise<string[]> {
  const entries = await readdir(join(dir, area), { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.any.js') && !/^idlharness/.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  return files.sort();
}

async function runTest(shop: Workshop, dir: string, file: string): Promise<FileResult> {
  const none = { file, passed: 0, total: 1, failed: [] };
  try {
    const { code } = await shop.bundle(await writeHandler(dir, file));
    const { call } = await openFunction(code, {}, Date.now() + patienceMs);
    const { body } = await call();
    const { results, isWhole } = body as {
      results: { name: string; status: number; message: string }[];
      isWhole: boolean;
    };
    const failed = results.filter(({ status }) => status !== 0);
    const missing = isWhole && results.length > 0 ? 0 : 1;
    return {
      file,
      passed: results.length - failed.length,
      total: results.length + missing,
      problem: missing === 0 ? null : 'It did not end.',
      failed: failed.map(({ name, message }) => `${name}: ${message}`.slice(0, 300)),
    };
  } catch (thrown) {
    return {
      ...none,
      problem: String(thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown).slice(0, 500),
    };
  }
}

/** A handler that runs a test as a browser does: its scripts one after the other, in the global scope. */
async function writeHandler(dir: string, file: string): Promise<string> {
  const text = await readFile(join(dir, file), 'utf8');
  const scriptPaths = [...text.matchAll(/^\/\/ META: script=(.+)$/gm)].map(([, path = '']) => path.trim());
  const at = (path: string) => (path.startsWith('/') ? join(dir, path) : join(dir, dirname(file), path));
  const harness = await readFile(join(dir, 'resources/testharness.js'), 'utf8');
  const scripts = await Promise.all(scriptPaths.map((path) => readFile(at(path), 'utf8')));
  // One script: what each declares by let and const is seen by the next, as in a page.
  const own = [...scripts, text].join('\n;\n');
  const fetched: Record<string, string> = {};
  for (const [, path = ''] of own.matchAll(/fetch\(["'`]([\w./-]+)["'`]\)/g)) {
    const content = await readFile(at(path), 'utf8').catch(() => null);
    if (content !== null) fetched[path] = content;
  }
  // The scripts are text to the bundler: it is shown what they use, so that it puts that before the function.
  const used = [...shimsOf.keys()].filter((name) => new RegExp(`\\b${name}\\b`).test(own));
  const usesSubtle = /\bsubtle\b/.test(own);
  return `
const used = [${used.join(', ')}${usesSubtle ? ', crypto.subtle' : ''}];
const fetched = ${JSON.stringify(fetched)};
const [harness, test] = ${JSON.stringify([harness, own])};
export default async function handler() {
  globalThis.GLOBAL = { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false };
  globalThis['location'] = { search: '', protocol: 'https:', href: 'https://web-platform.test/', origin: 'https://web-platform.test' };
  if (Object.keys(fetched).length > 0) {
    globalThis['fetch'] = async (path) => ({ text: async () => fetched[path], json: async () => JSON.parse(fetched[path]) });
  }
  const run = globalThis['eval'];
  run(harness);
  const results = [];
  const done = new Promise((resolve) => {
    globalThis.add_result_callback(({ name, status, message }) => results.push({ name, status, message: String(message) }));
    globalThis.add_completion_callback(() => resolve(true));
    setTimeout(() => resolve(false), 3_600_000);
  });
  globalThis.setup({ explicit_timeout: true });
  run(test);
  const isWhole = await done;
  return { results, isWhole, used: used.length };
}
`;
}

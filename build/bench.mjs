// `npm run bench [-- name… --runs N]`: runs benchmarks, and prints one JSON document on stdout; progress goes to
// stderr. With one name the document is that benchmark's own; with several (or none: all) it has a key for each.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { importAll } from './bundle-tests.mjs';
import { measureFirstLight } from './first-light.mjs';
import { formatMs, log } from './log.mjs';
import { runMain, SetupError } from './script.mjs';
import { setUp } from './setup.mjs';

/** Each benchmark with its files in test/bench. Each file exports one function whose name starts with `bench`. */
const benchmarks = {
  coldstart: { all: 'coldstart.ts' },
  ember: { all: 'ember.ts' },
  http: { all: 'http.ts' },
  rebuild: { all: 'rebuild.ts' },
  image: { all: 'image.ts' },
  'nanos-boot': { all: 'nanos-boot.ts' },
  rpc: { all: 'rpc.ts' },
  console: { stream: 'console.ts', render: 'console-render.ts' },
  ui: { all: 'ui.ts' },
  edit: { all: 'edit.ts' },
  fuzz: { all: 'fuzz.ts' },
  // Beside the code that it uses, whose imports of text the tests' own types do not know.
  wpt: { all: '../../core/bundle/testing/wpt.ts' },
  packages: { all: '../../core/bundle/testing/packages.ts' },
  crowd: { all: 'crowd.ts' },
  deploy: { all: 'deploy.ts' },
  deployed: { all: 'deployed.ts' },
  'first-light': {},
};
/** Benchmarks that run only by name: they take many minutes, need a cluster or another checkout, or set up a copy of everything. */
const onlyByName = new Set(['fuzz', 'wpt', 'packages', 'crowd', 'deploy', 'deployed', 'first-light']);

const usage = `npm run bench [-- <name>… --runs <n> --dir <path>]\n  names: ${Object.keys(benchmarks).join(', ')}\n  example: npm run --silent bench -- coldstart --runs 20`;

/** The options of the command line. Shape: `{ names, runs }`. Errors: throws a SetupError that shows the usage. */
export function readArguments(args) {
  const options = { runs: { type: 'string' }, dir: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new SetupError(error.message, usage);
  }
  const unknown = parsed.positionals.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown !== undefined) throw new SetupError(`There is no benchmark "${unknown}".`, usage);
  const runs = parsed.values.runs === undefined ? undefined : Number(parsed.values.runs);
  if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) {
    throw new SetupError(`--runs takes a whole number above 0, not "${parsed.values.runs}".`, usage);
  }
  const names =
    parsed.positionals.length > 0
      ? [...new Set(parsed.positionals)]
      : Object.keys(benchmarks).filter((name) => !onlyByName.has(name));
  return { names, runs, dir: parsed.values.dir, help: parsed.values.help ?? false };
}

function benchFunctionOf(module, file) {
  const name = Object.keys(module).find((key) => /^bench[A-Z]/.test(key) && typeof module[key] === 'function');
  if (!name) throw new Error(`test/bench/${file} exports no function whose name starts with "bench"`);
  return module[name];
}

async function runBenchmark(name, modules, options) {
  const parts = Object.entries(benchmarks[name]);
  const results = {};
  for (const [part, file] of parts) {
    const startedAt = performance.now();
    log(`bench: ${name} (${file}) …`);
    const logLine = (line) => log(`bench: ${name}: ${line}`);
    results[part] = await benchFunctionOf(modules[file], file)({ ...options, log: logLine });
    log(`bench: ${name} (${file}): done in ${formatMs(performance.now() - startedAt)}`);
  }
  return parts.length === 1 ? results[parts[0][0]] : results;
}

async function main() {
  const { names, runs, dir, help } = readArguments(process.argv.slice(2));
  if (help) return log(usage);
  // It measures the set-up: no part of the set-up may exist before.
  if (names.length === 1 && names[0] === 'first-light') return printDocument(await measureFirstLight());
  await setUp('test');
  const files = names.flatMap((name) => Object.values(benchmarks[name]));
  const modules = await importAll('test/bench', ['machine.ts', ...files]);
  const machine = await modules['machine.ts'].describeMachine();
  const results = {};
  for (const name of names) {
    try {
      results[name] =
        name === 'first-light'
          ? await measureFirstLight()
          : await runBenchmark(name, modules, {
              ...(runs !== undefined && { runs }),
              ...(dir !== undefined && { dir }),
            });
    } catch (error) {
      log(`bench: ${name} failed: ${error.stack ?? error}`);
      results[name] = { error: error.message };
      process.exitCode = 1;
    }
  }
  const document = names.length === 1 ? { ...results[names[0]], machine } : { ...results, machine };
  printDocument(document);
}

function printDocument(document) {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runMain(async () => {
    await main();
    // A connection left open by a failed benchmark must not keep the program alive.
    process.stdout.write('', () => process.exit());
  });
}

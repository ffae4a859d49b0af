// `npm run soak [-- part… --count N --seed N]`: stresses Firstlight in ways that must do no harm, and counts them.
// Each part prints its counts and adds them to .cache/soak.ndjson; `npm run soak -- --totals` sums those up.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleTests } from './bundle-tests.mjs';
import { formatMs, log } from './log.mjs';
import { root, runMain, SetupError } from './script.mjs';
import { setUp } from './setup.mjs';

/** Each part, with its full count and the unit of the count. */
export const parts = {
  kill9: { count: 1000, what: 'kill -9 at random moments' },
  starts: { count: 1000, what: 'starts in one engine' },
  modes: { count: 1000, what: 'starts in each start mode, under libvirt and in Firecracker' },
  kept: { count: 60, what: 'kept instances at once' },
  daemons: { count: 100, what: 'kills of a libvirtd of its own, and of QEMU' },
  fuzz: { count: 10_000_000, what: 'broken inputs over all parsers' },
  faults: { count: 20, what: 'rounds of each fault: disk full, read-only, no inotify watches, few descriptors' },
};
const ledgerPath = join(root, '.cache/soak.ndjson');

const usage = `npm run soak [-- <part>… --count <n> --seed <n>]
npm run soak -- --totals

${Object.entries(parts)
  .map(([name, { count, what }]) => `  ${name.padEnd(8)} ${what} (${count})`)
  .join('\n')}

  --count <n>   another count, for all parts that are named
  --seed <n>    repeat the moments and inputs of an earlier run
  --totals      sum up all runs on this checkout`;

/** The command line's options. Shape: `{ names, count, seed, totals, help }`. Errors: a SetupError with the usage. */
export function readArguments(args) {
  const options = {
    count: { type: 'string' },
    seed: { type: 'string' },
    totals: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  };
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new SetupError(error.message, usage);
  }
  const { totals, help } = parsed.values;
  const unknown = parsed.positionals.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new SetupError(`The soak has no part "${unknown}".`, usage);
  const names = parsed.positionals.length > 0 ? [...new Set(parsed.positionals)] : Object.keys(parts);
  const count = readNumber('--count', parsed.values.count);
  const seed = readNumber('--seed', parsed.values.seed);
  return { names, count, seed, totals, help };
}

function readNumber(option, text) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new SetupError(`${option} takes a whole number above 0, not "${text}".`, usage);
}

/** Sums up lines of the ledger. Shape: by part, `{ runs, harm, seconds, counts, commits }`. */
export function sumUp(lines) {
  const totals = {};
  for (const line of lines.filter((text) => text !== '')) {
    const { part, harm, seconds, counts, commit } = JSON.parse(line);
    totals[part] ??= { runs: 0, harm: 0, seconds: 0, counts: {}, commits: [] };
    const total = totals[part];
    total.runs++;
    total.harm += harm.length;
    total.seconds = Math.round(total.seconds + seconds);
    for (const [name, value] of Object.entries(counts)) {
      const before = total.counts[name] ?? 0;
      total.counts[name] = name.startsWith('most ') ? Math.max(before, value) : before + value;
    }
    if (!total.commits.includes(commit)) total.commits.push(commit);
  }
  return totals;
}

const modules = {
  kill9: 'kill9.ts',
  starts: 'starts.ts',
  modes: 'modes.ts',
  kept: 'kept.ts',
  daemons: 'daemons.ts',
  fuzz: 'fuzz.ts',
  faults: 'faults.ts',
};

const processes = ['engine-process.ts', 'daemon-process.ts'];

async function main() {
  const { names, count, seed, totals, help } = readArguments(process.argv.slice(2));
  if (help) return log(usage);
  if (totals) {
    const lines = existsSync(ledgerPath) ? readFileSync(ledgerPath, 'utf8').split('\n') : [];
    process.stdout.write(`${JSON.stringify(sumUp(lines), null, 2)}\n`);
    return;
  }
  await setUp('test');
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A second signal ends the run without waiting for the started work.
      if (abort.signal.aborted) process.exit(130);
      log(`soak: ${signal}: ending, and removing what was started …`);
      abort.abort();
    });
  }
  const bundleOf = await bundleTests('test/soak', [...processes, ...names.map((name) => modules[name])]);
  // Programs that the parts start, each in a separate process.
  process.env.FIRSTLIGHT_SOAK_ENGINE = bundleOf('engine-process.ts');
  process.env.FIRSTLIGHT_SOAK_DAEMON = bundleOf('daemon-process.ts');
  for (const name of names) {
    if (abort.signal.aborted) break;
    await runPart(name, await import(pathToFileURL(bundleOf(modules[name])).href), {
      count: count ?? parts[name].count,
      seed: seed ?? Math.floor(Math.random() * 2 ** 31) + 1,
      signal: abort.signal,
    });
  }
  if (abort.signal.aborted) process.exitCode = 130;
}

async function runPart(name, module, options) {
  const soak = Object.entries(module).find(([key]) => /^soak[A-Z]/.test(key))?.[1];
  const startedAt = performance.now();
  log(`soak: ${name}: ${options.count} ${parts[name].what}, seed ${options.seed}`);
  const report = await soak({ ...options, log: (line) => log(`soak: ${name}: ${line}`) }).catch((error) => ({
    counts: {},
    harm: [`it failed: ${error.stack ?? error}`],
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  log(`soak: ${name}: ${report.harm.length} times harm, in ${formatMs(seconds * 1000)}`);
  const at = new Date().toISOString();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const line = { part: name, count: options.count, seed: options.seed, seconds, at, commit, ...report };
  mkdirSync(join(root, '.cache'), { recursive: true });
  // An interrupted part has counts, too.
  appendFileSync(ledgerPath, `${JSON.stringify(line)}\n`);
  process.stdout.write(`${JSON.stringify(line, null, 2)}\n`);
  if (report.harm.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runMain(async () => {
    await main();
    process.stdout.write('', () => process.exit());
  });
}

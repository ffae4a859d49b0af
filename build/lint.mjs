// `npm run lint`: formatting and lint rules, types in every folder, import layers, generated files, file sizes.
// Runs everything, then says what failed; exit code 1 when anything did.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checkLayers, listSources } from './layers.mjs';
import { formatMs } from './log.mjs';
import { root, runMain } from './script.mjs';
import { setUp } from './setup.mjs';

/** Past this a file is likely to do two things; generated files and tables are let off. */
const maxLines = 400;

const tsconfigs = [
  'shared',
  ...['node-libvirt', 'files', 'elf', 'tar', 'oci', 'tfs', 'disk'].map((name) => `packages/${name}`),
  'core',
  'host',
  'cli',
  'electron/main',
  'electron/preload',
  'renderer',
  'test',
];

const node = process.execPath;

/** Runs a tool. Shape: `{ ok, output }`. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim() }));
  });
}

const bin = (name) => join(root, 'node_modules/.bin', name);

async function checkImports() {
  const { parseSync } = await import('vite');
  const problems = checkLayers(parseSync, root);
  const lines = problems.map(
    ({ path, line, specifier, reason }) => `${path}:${line} imports '${specifier}': ${reason}`,
  );
  return { ok: lines.length === 0, output: lines.join('\n') };
}

function checkSizes() {
  const long = listSources(root)
    .filter((path) => !path.endsWith('.gen.ts'))
    .map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines);
  // Told, not failed: length is a sign that a file does two things, and no proof.
  return {
    ok: true,
    output: long.map(({ path, lines }) => `${path} has ${lines} lines (at most ${maxLines})`).join('\n'),
  };
}

/** Generators that can say whether their output is up to date. */
const generators = ['build/generate-libvirt.mjs', 'build/generate-schema.mjs'];

const checks = [
  { name: 'biome', run: () => run(bin('biome'), ['check', '--colors=off', '.']) },
  { name: 'import layers', run: checkImports },
  { name: 'file sizes', run: checkSizes },
  ...generators.map((script) => ({
    name: `${relative('build', script)} --check`,
    run: () => run(node, [script, '--check']),
  })),
  ...tsconfigs.map((folder) => ({
    name: `types: ${folder}`,
    run: () => run(bin('tsc'), ['-p', join(folder, 'tsconfig.json'), '--pretty', 'false']),
  })),
];

async function runCheck({ name, run: check }) {
  const startedAt = performance.now();
  const { ok, output } = await check();
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name} (${formatMs(performance.now() - startedAt)})\n`);
  // Warnings are worth reading though they fail nothing.
  if ((!ok || / lines \(|Found \d+ warning/.test(output)) && output)
    process.stdout.write(`${output.replace(/^/gm, '    ')}\n`);
  return ok;
}

await runMain(async () => {
  if (!existsSync(join(root, 'package-lock.json'))) throw new Error(`${root} is no checkout of Firstlight`);
  await setUp('lint');
  const queue = [...checks];
  let failed = 0;
  // Two at a time: the machine that checks submissions has two cores.
  const worker = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      if (!(await runCheck(check))) failed += 1;
    }
  };
  await Promise.all([worker(), worker()]);
  process.stdout.write(failed === 0 ? 'lint: all clean\n' : `lint: ${failed} of ${checks.length} checks failed\n`);
  if (failed > 0) process.exitCode = 1;
});

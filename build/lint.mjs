// `npm run lint`: formatting and lint rules, types in every folder, import layers, generated files, file sizes.
// Runs all checks, then prints the failures; exit code 1 when any check failed.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checkCommitTitles } from './commit-titles.mjs';
import { checkDocuments } from './documents.mjs';
import { findCycles, readImports } from './import-graph.mjs';
import { checkLayers, listSources } from './layers.mjs';
import { checkRuntimeNames } from './runtime-names.mjs';
import { root, runMain } from './script.mjs';
import { setUp } from './setup.mjs';
import { checkStyles, readStyleSources, writeStyleTypes } from './styles.mjs';
import { checkTypes, runChecks, runCheckTool, typedFolders } from './typecheck.mjs';

/** A longer file is likely to do two things; generated files and tables are exempt. */
const maxLines = 400;

const bin = (name) => join(root, 'node_modules/.bin', name);

async function checkImports() {
  const { parseSync } = await import('vite');
  const imports = readImports(parseSync, root);
  const lines = [
    ...checkLayers(imports).map(
      ({ path, line, specifier, reason }) => `${path}:${line} imports '${specifier}': ${reason}`,
    ),
    ...findCycles(imports).map(({ cycle }) => `import cycle: ${[...cycle, cycle[0]].join(' → ')}`),
  ];
  return { ok: lines.length === 0, output: lines.join('\n') };
}

/** Lists the places that name a runtime outside of its folder. */
function checkNames() {
  const found = checkRuntimeNames(root);
  return { ok: found.length === 0, output: found.join('\n') };
}

function checkSizes() {
  const long = listSources(root)
    .filter((path) => !path.endsWith('.gen.ts'))
    .map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLines);
  // This is a report only: length suggests that a file does two things, and does not prove it.
  return {
    ok: true,
    isNotable: true,
    output: long.map(({ path, lines }) => `${path} has ${lines} lines (at most ${maxLines})`).join('\n'),
  };
}

/** Generators that can check whether their output is up to date. */
const generators = ['build/generate-libvirt.mjs', 'build/generate-schema.mjs'];

/** Biome's findings; warnings are shown but are not failures. */
async function runBiome() {
  const result = await runCheckTool(bin('biome'), ['check', '--colors=off', '.']);
  return { ...result, isNotable: /Found \d+ warning/.test(result.output) };
}

function runStyles() {
  const problems = checkStyles(readStyleSources());
  return { ok: problems.length === 0, output: problems.join('\n') };
}

// The long checks first, so that both workers end together.
const checks = [
  { name: 'biome', run: runBiome },
  ...typedFolders.map((folder) => ({ name: `types: ${folder}`, run: () => checkTypes(folder) })),
  { name: 'imports', run: checkImports },
  { name: 'names of runtimes', run: checkNames },
  { name: 'file sizes', run: checkSizes },
  { name: 'styles', run: runStyles },
  { name: 'documents', run: checkDocuments },
  { name: 'commit titles', run: checkCommitTitles },
  ...generators.map((script) => ({
    name: `${relative('build', script)} --check`,
    run: () => runCheckTool(process.execPath, [script, '--check']),
  })),
];

await runMain(async () => {
  if (!existsSync(join(root, 'package-lock.json'))) throw new Error(`${root} is not a checkout of Firstlight`);
  await setUp('lint');
  writeStyleTypes();
  const failed = await runChecks(checks);
  process.stdout.write(failed === 0 ? 'lint: all clean\n' : `lint: ${failed} of ${checks.length} checks failed\n`);
  if (failed > 0) process.exitCode = 1;
});

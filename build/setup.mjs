// Prepares a checkout to run: system packages, npm packages, the guest kernel, bundles, libvirt's daemons.
// Checking that nothing is missing takes a few hundred `stat` calls; heavier code is imported only when needed.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { log, logStep } from './log.mjs';
import { runTasks } from './run-tasks.mjs';
import { root, SetupError } from './script.mjs';
import { withLock } from './setup-lock.mjs';
import { findMissing, installPackages, isCompiler, logLimitations } from './setup-packages.mjs';
import { createLockDir, isLibvirtUp, repairKvmAccess, startLibvirt } from './setup-services.mjs';
import { describeChange, readStamp, sameContent, takeStamp, writeStamp } from './setup-stamp.mjs';
import { compileEngine, steps } from './setup-steps.mjs';

/** The set-up of each purpose. `strict`: a part that is not available ends the set-up instead of being skipped. */
const plans = {
  lint: { packages: undefined, steps: ['npm', 'packager'], services: false, strict: true },
  unit: { packages: undefined, steps: ['npm'], services: false, strict: true },
  dist: {
    packages: 'run',
    steps: ['npm', 'packager', 'lwip', 'guest', 'supervisor', 'bundles', 'renderer'],
    services: false,
    strict: true,
  },
  run: { packages: 'run', steps: ['npm', 'lwip', 'guest', 'supervisor', 'bundles'], services: true, strict: false },
  studio: {
    packages: 'run',
    steps: ['npm', 'lwip', 'guest', 'supervisor', 'bundles', 'renderer'],
    services: true,
    strict: false,
  },
  // Without a part of it, the cluster itself says what is missing.
  cluster: { packages: 'cluster', steps: [], services: false, strict: false },
  fake: { packages: undefined, steps: ['npm'], services: false, strict: true },
  test: {
    packages: 'test',
    steps: ['npm', 'packager', 'lwip', 'guest', 'supervisor', 'bundles', 'renderer', 'electron'],
    services: true,
    strict: true,
  },
};

/** The purposes that `setUp` knows. */
export const purposeNames = Object.keys(plans);

/**
 * Does the remaining steps of a purpose (a key of `plans`), and logs each step on stderr.
 *
 * Errors: throws a SetupError for a step that a person must do first.
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
  const onWait = (pid) => log(`set-up: another set-up (process ${pid}) is running here; waiting for it`);
  await withLock(root, onWait, () => runTasks(listTasks(plan, wantsWindow)));
}

function needsWork(plan, wantsWindow) {
  if (plan.packages && findMissing(plan.packages).length > 0) return true;
  if (wantsWindow && needsBrowser()) return true;
  return plan.steps.some((name) => !isUpToDate(steps[name], name));
}

/**
 * The tasks of a plan with their prerequisites.
 *
 * The engine of the guest takes longest. It needs the compilers and one npm package, so those come first.
 */
function listTasks(plan, wantsWindow) {
  const missing = plan.packages ? findMissing(plan.packages) : [];
  const compilers = missing.filter(isCompiler);
  const others = missing.filter((need) => !isCompiler(need));
  const needsEngine = plan.steps.includes('guest') && !isUpToDate(steps.npm, 'npm');
  const tasks = {
    compilers: { run: () => ensurePackages(plan, compilers) },
    // apt-get runs once at a time.
    packages: { after: ['compilers'], run: () => ensurePackages(plan, others) },
    browser: { after: ['packages'], run: () => ensureBrowser(wantsWindow) },
    services: { after: ['packages'], run: () => startServices(plan) },
    engine: { after: ['compilers'], run: () => (needsEngine ? ensureEngine(plan) : undefined) },
  };
  const waitsFor = {
    npm: [],
    packager: ['npm'],
    electron: [],
    supervisor: ['compilers'],
    // apt-get runs once at a time.
    lwip: ['packages'],
    guest: ['npm', 'compilers', 'engine', 'lwip'],
    bundles: ['npm'],
    renderer: ['bundles'],
  };
  for (const name of plan.steps) tasks[name] = { after: waitsFor[name], run: () => ensureStep(name, plan) };
  return tasks;
}

async function ensurePackages(plan, missing) {
  if (missing.length === 0) return;
  await continueWithout(plan, missing, () => installPackages(missing));
}

async function ensureBrowser(wantsWindow) {
  if (!wantsWindow || !needsBrowser()) return;
  const browser = findMissing('window');
  await continueWithout({ strict: false }, browser, () => installPackages(browser));
}

async function continueWithout({ strict }, missing, install) {
  try {
    await install();
  } catch (error) {
    if (strict || !(error instanceof SetupError)) throw error;
    log(`set-up: ${error.message}\n  → ${error.hint}`);
    logLimitations(missing);
  }
}

/** Whether a browser must be installed: there is a display, and neither Electron's binary nor a browser. */
function needsBrowser() {
  const hasDisplay = Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  return (
    hasDisplay && !existsSync(join(root, 'node_modules/electron/dist/electron')) && findMissing('window').length > 0
  );
}

async function ensureEngine({ strict }) {
  try {
    await logStep("the guest's JavaScript engine", compileEngine);
  } catch (error) {
    // The guest step compiles the engine itself; it reports missing tools.
    if (strict || !(error instanceof SetupError)) throw error;
    log(`set-up: ${error.message}`);
  }
}

async function ensureStep(name, { strict }) {
  const step = steps[name];
  const stampPath = stampPathOf(name);
  const previous = readStamp(stampPath);
  const stamp = takeStamp(root, step.inputs, { extra: process.version, ignore: step.ignore, previous });
  const hasOutputs = step.outputs.every((path) => existsSync(join(root, path)));
  const isCurrent = hasOutputs && (sameContent(previous, stamp) || (step.isDone?.() ?? false));
  if (!isCurrent) {
    // Without its stamp, a step that was interrupted runs again next time.
    rmSync(stampPath, { force: true });
    try {
      await logStep(`${step.title} (${describeChange(previous, stamp)})`, step.run);
    } catch (error) {
      if ((strict && !step.isOptional) || step.without === undefined || !(error instanceof SetupError)) throw error;
      log(`set-up: ${error.message}\n  → ${error.hint}`);
      log(`set-up: going on without it: ${step.without}`);
      return;
    }
  }
  writeStamp(stampPath, stamp);
}

/** Whether a step has no work. Compares sizes and times, and reads only files whose time changed. */
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
  repairKvmAccess();
  createLockDir();
  if (await isLibvirtUp()) return;
  await continueWithout({ strict }, [{ for: 'booting' }], startLibvirt);
}

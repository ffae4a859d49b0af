// `npm run bench -- first-light`: the time of a fresh copy from `npm start -- run` to the first answer of a function, and
// of the page that the first `npm start` builds after that.
// In a checkout that is set up it makes a copy in a temporary folder; a fresh checkout is measured in place.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { log } from './log.mjs';
import { root, SetupError } from './script.mjs';

/**
 * Measures the first light.
 *
 * Shape: `steps` in the order of their starts; `fromMs` counts from the start, `ms` is the duration of a step. `pageMs` is
 * what set-up then takes for the studio.
 * Units: milliseconds. Errors: throws a SetupError when the function gives no answer.
 *
 * @returns {Promise<{ totalMs: number, setUpMs: number, runMs: number, pageMs: number, steps: { title: string, fromMs: number, ms: number }[] }>}
 */
export async function measureFirstLight() {
  const isFresh = !existsSync(join(root, 'node_modules'));
  const work = mkdtempSync(join(tmpdir(), 'first-light-'));
  // QEMU may run as another user, who needs access to its disks.
  chmodSync(work, 0o711);
  try {
    const dir = isFresh ? root : copyCheckout(join(work, 'firstlight'));
    const { totalMs, setUpMs, runMs, steps } = await runFirst(dir, work);
    const startedAt = performance.now();
    execFileSync(process.execPath, ['build/setup-for.mjs', 'studio'], { cwd: dir, stdio: 'ignore' });
    return { totalMs, setUpMs, runMs, pageMs: Math.round(performance.now() - startedAt), steps };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies the files that git tracks or would add, without the output of set-up. */
function copyCheckout(target) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const paths = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const path of paths.filter((name) => existsSync(join(root, name)))) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(root, path), join(target, path));
  }
  return target;
}

function runFirst(dir, work) {
  const args = ['build/start.mjs', 'run', join(dir, 'assets/templates/hello'), '--json'];
  // npm's cache is empty too, as on a machine that has never seen the project.
  const env = { ...process.env, FIRSTLIGHT_HOME: join(work, 'home'), npm_config_cache: join(work, 'npm') };
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const steps = [];
  let output = '';
  let rest = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) noteStep(steps, line, Math.round(performance.now() - startedAt));
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const totalMs = Math.round(performance.now() - startedAt);
      const isAnswered = code === 0 && JSON.parse(output).response?.status === 200;
      if (!isAnswered) return reject(new SetupError(`The first run failed with exit code ${code}.`, output || rest));
      const setUpMs = Math.max(0, ...steps.map(({ fromMs, ms }) => fromMs + ms));
      resolve({ totalMs, setUpMs, runMs: totalMs - setUpMs, steps });
    });
  });
}

/** Reads a line of `logStep`: the start of a step, or its end. */
function noteStep(steps, line, atMs) {
  log(line);
  const [, started] = /^set-up: (.+) …$/.exec(line) ?? [];
  if (started) steps.push({ title: started, fromMs: atMs, ms: 0 });
  const [, done] = /^set-up: (.+): done in /.exec(line) ?? [];
  const step = steps.find(({ title }) => title === done);
  if (step) step.ms = atMs - step.fromMs;
}

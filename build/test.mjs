// `npm test [-- <file or vitest arguments>]`: sets up, runs the tests, and ends with `N passed, N failed, N skipped`.
// `npm run test:unit`: the same for the tests that need no set-up except npm's packages.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeLeftovers } from './leftovers.mjs';
import { formatMs, log } from './log.mjs';
import { root, runMain } from './script.mjs';
import { setUp } from './setup.mjs';
import { filesToRunAgain, mergeRuns, summarize, summaryLine } from './test-report.mjs';

/** No run may hang a CI machine: its own limit is 90 minutes, and set-up and the test cluster come first. */
const maxRunMs = 60 * 60_000;

/** Runs vitest in its own process group, so that its children end with it. Settles with the exit code, or null. */
function runVitest(args, env) {
  return new Promise((resolve) => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', `--reporter=${join(root, 'build/test-report.mjs')}`];
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const endGroup = (signal) => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
    };
    let cutShort = false;
    const stop = () => {
      cutShort = true;
      endGroup('SIGTERM');
      setTimeout(() => endGroup('SIGKILL'), 5000).unref();
    };
    const timer = setTimeout(() => {
      log(`\nnpm test: still running after ${formatMs(maxRunMs)}; ending the run.`);
      stop();
    }, maxRunMs);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(cutShort ? null : code);
    });
  });
}

function printReport(summary, leftovers) {
  const list = (title, lines) => {
    if (lines.length > 0) process.stdout.write(`\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  };
  list('Slowest:', summary.slowest);
  list('Skipped:', summary.skips);
  list('Cut short, so these files did not finish:', summary.finished ? [] : summary.unfinishedFiles);
  list('Left behind (each counts as a failure):', leftovers);
  list('Unstable (failed, and passed when its file ran once more):', summary.unstable);
  list('Failed:', summary.failures);
}

/** Whether only unit tests are requested, and the arguments for vitest. */
function readArguments(args) {
  const rest = args.filter((arg) => arg !== '--unit');
  const unit = rest.length < args.length;
  return [unit, unit ? ['--project', 'unit', ...rest] : rest];
}

await runMain(async () => {
  const [unit, args] = readArguments(process.argv.slice(2));
  await setUp(unit ? 'unit' : 'test');
  // Very short, because a Unix socket's path has at most 107 bytes, and libvirt's own paths leave few; others may enter
  // it, because QEMU runs as another user.
  const temporary = mkdtempSync('/tmp/f');
  chmodSync(temporary, 0o711);
  const runOnce = async (wanted) => {
    const reportPath = join(root, '.cache', `test-report-${process.pid}.ndjson`);
    const code = await runVitest(wanted, { TMPDIR: temporary, FIRSTLIGHT_TEST_REPORT: reportPath });
    const lines = existsSync(reportPath) ? readFileSync(reportPath, 'utf8').split('\n') : [];
    rmSync(reportPath, { force: true });
    return { code, lines };
  };
  let { code, lines } = await runOnce(args);
  let unstable = [];
  const again = args.length === 0 ? filesToRunAgain(lines) : [];
  if (again.length > 0) {
    log(`\nnpm test: runs these once more, to tell unstable tests from broken ones: ${again.join(', ')}`);
    const second = await runOnce(again);
    code = second.code;
    ({ lines, unstable } = mergeRuns(lines, second.lines));
  }
  const summary = { ...summarize(lines), unstable };
  const leftovers = await removeLeftovers(temporary);
  const total = { ...summary, failed: summary.failed + leftovers.length };
  // A failure of vitest without a line in the report (its own crash, a bad argument) must not count as success.
  if (code !== 0 && total.failed === 0) total.failed = 1;
  printReport(summary, leftovers);
  process.stdout.write(`\n${summaryLine(total)}\n`);
  process.exit(total.failed > 0 ? 1 : 0);
});

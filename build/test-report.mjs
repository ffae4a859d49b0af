// Writes each test's outcome as a line of JSON while vitest runs, so that an interrupted run can still report its
// results; and turns those lines into the final summary of `npm test`.
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

/** A vitest reporter. Writes to the file named by FIRSTLIGHT_TEST_REPORT. */
export default class LineReporter {
  #path = process.env.FIRSTLIGHT_TEST_REPORT;

  #write(entry) {
    if (this.#path) appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  onTestModuleQueued(module) {
    this.#write({ kind: 'began', file: relative(process.cwd(), module.moduleId) });
  }

  onTestCaseResult(test) {
    const { state, note } = test.result();
    this.#write({
      kind: 'test',
      file: relative(process.cwd(), test.module.moduleId),
      name: test.fullName,
      state,
      ...(note !== undefined && { note }),
      ms: Math.round(test.diagnostic()?.duration ?? 0),
    });
  }

  onTestModuleEnd(module) {
    const file = relative(process.cwd(), module.moduleId);
    // A file that cannot be loaded, or a hook that throws, fails without a failing test.
    const errors = [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())];
    this.#write({ kind: 'ended', file, errors: errors.map((error) => error.message) });
  }

  onTestRunEnd(_modules, unhandledErrors, reason) {
    this.#write({ kind: 'over', reason, errors: unhandledErrors.map((error) => error.message) });
  }
}

/**
 * The result of a run.
 *
 * Shape: `{ passed, failed, skipped, failures: [text], skips: [text], slowest: [text], finished, unfinishedFiles: [path] }`;
 * `failed` counts failing tests, files and hooks that broke, and errors outside any test.
 */
export function summarize(lines) {
  const entries = lines.filter(Boolean).map((line) => JSON.parse(line));
  const tests = entries.filter((entry) => entry.kind === 'test');
  const label = (test) => `${test.file} > ${test.name}`;
  const ended = new Set(entries.filter((entry) => entry.kind === 'ended').map((entry) => entry.file));
  const failures = [
    ...tests.filter((test) => test.state === 'failed').map(label),
    ...entries
      .filter((entry) => entry.kind === 'ended')
      .flatMap(({ file, errors }) => errors.map((text) => `${file}: ${text}`)),
    ...entries
      .filter((entry) => entry.kind === 'over')
      .flatMap(({ errors }) => errors.map((text) => `outside any test: ${text}`)),
  ];
  const skipped = tests.filter((test) => test.state === 'skipped');
  return {
    passed: tests.filter((test) => test.state === 'passed').length,
    failed: failures.length,
    skipped: skipped.length,
    failures,
    // A skipped `describe` gives its reason in its title, a single test in a note.
    skips: skipped.map((test) => (test.note ? `${label(test)}: ${test.note}` : label(test))),
    slowest: [...tests]
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 5)
      .map((test) => `${(test.ms / 1000).toFixed(1)} s  ${label(test)}`),
    finished: entries.some((entry) => entry.kind === 'over'),
    unfinishedFiles: entries
      .filter((entry) => entry.kind === 'began' && !ended.has(entry.file))
      .map((entry) => entry.file),
  };
}

/** The last line of a run. */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

// Writes each test's outcome as a line of JSON while vitest runs, so that an interrupted run can still report its
// results; and turns those lines into the final summary of `npm test`.
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

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
    const { state, note, errors } = test.result();
    this.#write({
      kind: 'test',
      file: relative(process.cwd(), test.module.moduleId),
      name: test.fullName,
      state,
      ...(note !== undefined && { note }),
      ...(state === 'failed' && { message: describe(errors?.[0]) }),
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

/** Enough of an error to see its cause in a log that ends with the summary: a comparison's message has no values. */
function describe({ message = '', diff = '' } = {}) {
  const lines = [...message.split('\n').slice(0, 4), ...stripVTControlCharacters(diff).split('\n')];
  return lines
    .map((line) => line.trim())
    .filter(Boolean)
    .join(' ')
    .slice(0, 1000);
}

/** More files than this fail for a reason that a second run does not take away. */
const maxFilesAgain = 5;

/** The files to run a second time: those that failed, when they are few and the run went to its end. */
export function filesToRunAgain(lines) {
  const entries = lines.filter(Boolean).map((line) => JSON.parse(line));
  const isBroken = ({ kind, state, errors }) => state === 'failed' || (kind === 'ended' && errors.length > 0);
  const files = new Set(entries.filter(isBroken).map(({ file }) => file));
  const over = entries.find((entry) => entry.kind === 'over');
  return over !== undefined && over.errors.length === 0 && files.size <= maxFilesAgain ? [...files] : [];
}

/**
 * The lines of a run with those of a second one of some files.
 *
 * Shape: `{ lines, unstable }`: `unstable` names the tests that failed and then passed, with their first failure.
 */
export function mergeRuns(first, second) {
  const [before, after] = [first, second].map((lines) => lines.filter(Boolean).map((line) => JSON.parse(line)));
  const again = new Set(after.filter(({ kind }) => kind === 'ended').map(({ file }) => file));
  const passed = new Set(after.filter(({ state }) => state === 'passed').map(labelOf));
  const unstable = before
    .filter((entry) => entry.state === 'failed' && again.has(entry.file) && passed.has(labelOf(entry)))
    .map((entry) => `${labelOf(entry)}: ${entry.message}`);
  const kept = before.filter(({ kind, file }) => kind === 'over' || !again.has(file));
  const entries = [...kept, ...after.filter(({ kind, file }) => kind === 'over' || again.has(file))];
  return { lines: entries.map((entry) => JSON.stringify(entry)), unstable };
}

const labelOf = ({ file, name }) => `${file} > ${name}`;

/**
 * The result of a run.
 *
 * Shape: `{ passed, failed, skipped, failures: [text], skips: [text], slowest: [text], finished, unfinishedFiles: [path] }`;
 * `failed` counts failing tests, files and hooks that broke, and errors outside any test.
 */
export function summarize(lines) {
  const entries = lines.filter(Boolean).map((line) => JSON.parse(line));
  const tests = entries.filter((entry) => entry.kind === 'test');
  const ended = new Set(entries.filter((entry) => entry.kind === 'ended').map((entry) => entry.file));
  const failures = [
    ...tests
      .filter((test) => test.state === 'failed')
      .map((test) => (test.message ? `${labelOf(test)}: ${test.message}` : labelOf(test))),
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
    skips: skipped.map((test) => (test.note ? `${labelOf(test)}: ${test.note}` : labelOf(test))),
    slowest: [...tests]
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 5)
      .map((test) => `${(test.ms / 1000).toFixed(1)} s  ${labelOf(test)}`),
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

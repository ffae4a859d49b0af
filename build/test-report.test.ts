import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removeLeftovers } from './leftovers.mjs';
import { filesToRunAgain, mergeRuns, summarize, summaryLine } from './test-report.mjs';

const lines = (...entries: object[]) => entries.map((entry) => JSON.stringify(entry));

describe('the summary of a test run', () => {
  it('counts tests, and names failures and the reasons of skips', () => {
    const summary = summarize(
      lines(
        { kind: 'began', file: 'a.test.ts' },
        { kind: 'test', file: 'a.test.ts', name: 'works', state: 'passed', ms: 10 },
        { kind: 'test', file: 'a.test.ts', name: 'breaks', state: 'failed', ms: 2000 },
        { kind: 'test', file: 'a.test.ts', name: 'needs Electron', state: 'skipped', note: 'no binary', ms: 0 },
        { kind: 'ended', file: 'a.test.ts', errors: [] },
        { kind: 'over', reason: 'failed', errors: [] },
      ),
    );
    expect(summaryLine(summary)).toBe('1 passed, 1 failed, 1 skipped');
    expect(summary.failures).toEqual(['a.test.ts > breaks']);
    expect(summary.skips).toEqual(['a.test.ts > needs Electron: no binary']);
    expect(summary.slowest[0]).toBe('2.0 s  a.test.ts > breaks');
    expect(summary.finished).toBe(true);
  });

  it('counts a file that does not load and an error outside any test as failures', () => {
    const summary = summarize(
      lines(
        { kind: 'ended', file: 'b.test.ts', errors: ['cannot find module'] },
        { kind: 'over', reason: 'failed', errors: ['unhandled rejection'] },
      ),
    );
    expect(summaryLine(summary)).toBe('0 passed, 2 failed, 0 skipped');
  });

  it('names the files that a run cut short did not finish', () => {
    const summary = summarize(
      lines(
        { kind: 'began', file: 'a.test.ts' },
        { kind: 'began', file: 'b.test.ts' },
        { kind: 'ended', file: 'a.test.ts', errors: [] },
      ),
    );
    expect(summary.finished).toBe(false);
    expect(summary.unfinishedFiles).toEqual(['b.test.ts']);
  });
});

describe('a second run of the files that failed', () => {
  const run = (state: 'passed' | 'failed', errors: string[] = []) =>
    lines(
      { kind: 'test', file: 'a.test.ts', name: 'works', state: 'passed', ms: 10 },
      { kind: 'test', file: 'b.test.ts', name: 'depends', state, message: 'too late', ms: 20 },
      { kind: 'ended', file: 'a.test.ts', errors: [] },
      { kind: 'ended', file: 'b.test.ts', errors: [] },
      { kind: 'over', reason: state, errors },
    );
  const ofFile = (text: string[]) => text.filter((line) => !line.includes('a.test.ts'));

  it('is for few files, of a run that ended, without errors outside any test', () => {
    expect(filesToRunAgain(run('failed'))).toEqual(['b.test.ts']);
    expect(filesToRunAgain(run('passed'))).toEqual([]);
    expect(filesToRunAgain(run('failed', ['unhandled rejection']))).toEqual([]);
    expect(filesToRunAgain(run('failed').slice(0, -1))).toEqual([]);
    const many = Array.from({ length: 6 }, (_, at) => ({ kind: 'test', file: `${at}.test.ts`, state: 'failed' }));
    expect(filesToRunAgain(lines(...many, { kind: 'over', errors: [] }))).toEqual([]);
  });

  it('counts instead of the first one, and names the tests that passed only now', () => {
    const merged = mergeRuns(run('failed'), ofFile(run('passed')));
    expect(summaryLine(summarize(merged.lines))).toBe('2 passed, 0 failed, 0 skipped');
    expect(merged.unstable).toEqual(['b.test.ts > depends: too late']);
  });

  it('leaves a test that fails twice a failure, and a file that did not end as it was', () => {
    const merged = mergeRuns(run('failed'), ofFile(run('failed')));
    expect(summaryLine(summarize(merged.lines))).toBe('1 passed, 1 failed, 0 skipped');
    expect(summarize(merged.lines).failures).toEqual(['b.test.ts > depends: too late']);
    expect(merged.unstable).toEqual([]);
    expect(summarize(mergeRuns(run('failed'), []).lines).failed).toBe(1);
  });
});

describe('leftovers', () => {
  it('are processes that name the directory and files in it; both are cleared', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fl-left-'));
    writeFileSync(join(dir, 'forgotten.txt'), '');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', dir], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const found = await removeLeftovers(dir, { graceMs: 300 });
    await ended;
    expect(found).toHaveLength(2);
    expect(found[0]).toContain(`process ${child.pid} still ran`);
    expect(found[1]).toBe('left in the temporary directory: forgotten.txt');
  });

  it('are none after a clean run', async () => {
    expect(await removeLeftovers(mkdtempSync(join(tmpdir(), 'fl-left-')), { graceMs: 0 })).toEqual([]);
  });
});

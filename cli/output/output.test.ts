import { describe, expect, test } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { ns } from '#shared/model/units.ts';
import { createFakeIo } from '../testing/fake-io.ts';
import { timeline } from '../testing/samples.ts';
import { renderError } from './print-error.ts';
import { renderTimeline } from './print-timeline.ts';
import { createProgressLine } from './progress.ts';
import { createStyle } from './style.ts';

const terminal = (env: NodeJS.ProcessEnv = {}, columns = 80) => {
  const io = createFakeIo({ env });
  Object.assign(io.stdout, { isTTY: true, columns });
  Object.assign(io.stderr, { isTTY: true, columns });
  return io;
};

describe('style', () => {
  test.each([
    ['a terminal', terminal(), true],
    ['a pipe', createFakeIo({ env: {} }), false],
    ['NO_COLOR', terminal({ NO_COLOR: '1' }), false],
    ['an empty NO_COLOR, which counts as none', terminal({ NO_COLOR: '' }), true],
    ['a dumb terminal', terminal({ TERM: 'dumb' }), false],
    ['FORCE_COLOR in a pipe', createFakeIo({ env: { FORCE_COLOR: '1' } }), true],
    ['NO_COLOR over FORCE_COLOR', terminal({ NO_COLOR: '1', FORCE_COLOR: '1' }), false],
  ])('colour with %s', (_, io, color) => {
    expect(createStyle(io).color).toBe(color);
  });

  test('a terminal never obeys what a function says', () => {
    const said = 'a\x1b[2J\x07\r\x7f\x9bb\n\tc';
    expect(createStyle(terminal()).foreign(said)).toBe('a␛[2J␇␍␡\ufffdb\n\tc');
    expect(createStyle(createFakeIo()).foreign(said)).toBe(said);
  });
});

describe('the timeline', () => {
  const lines = (env: NodeJS.ProcessEnv, columns: number) =>
    renderTimeline(timeline, createStyle(terminal({ NO_COLOR: '1', ...env }, columns))).split('\n');

  test('draws each phase where it was on one axis', () => {
    const [head, ...phases] = lines({}, 89);
    expect(head).toBe('Cold start  255 ms  cold, emulated (TCG, no KVM)');
    // 64 columns for 255 ms: `respond` is the last half, `handler` the quarter before it.
    expect(phases[7]).toBe(`  respond    128 ms  ${' '.repeat(31)}${'#'.repeat(32)}`);
    expect(phases[6]).toBe(`  handler   64.0 ms  ${' '.repeat(15)}${'#'.repeat(16)}`);
    expect(phases[0]).toBe('  prepare   1.00 ms  #');
  });

  test.each([30, 60, 80, 200])('fits %i columns', (columns) => {
    for (const env of [{ LANG: 'C.UTF-8' }, {}]) {
      for (const line of lines(env, columns).slice(1)) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 40));
    }
  });

  test('uses blocks in UTF-8 and plain ASCII elsewhere', () => {
    expect(lines({ LC_ALL: 'en_US.UTF-8' }, 80).join('')).toContain('█');
    expect(lines({ LC_ALL: 'C', LANG: 'C.UTF-8' }, 80).join('')).toMatch(/^[\x20-\x7e]*$/);
  });

  test('a phase that took no time has no bar', () => {
    const [first, ...rest] = timeline.phases;
    if (first === undefined) throw new Error('no phases');
    const phases = [{ ...first, durationNs: ns(0) }, ...rest];
    expect(renderTimeline({ ...timeline, phases }, createStyle(createFakeIo())).split('\n')[1]).toBe(
      '  prepare      0 ms',
    );
  });

  test('says what was done ahead, and keeps it apart', () => {
    const ahead = {
      startNs: ns(-300e6),
      durationNs: ns(298e6),
      phases: timeline.phases.filter((phase) => phase.name === 'vmm'),
    };
    const text = renderTimeline({ ...timeline, startMode: 'prestarted', ahead }, createStyle(createFakeIo()));
    expect(text).toContain('prestarted: cold start of the guest: the VMM waited paused');
    const booted = renderTimeline({ ...timeline, startMode: 'prebooted', ahead }, createStyle(createFakeIo()));
    expect(booted).toMatch(/^Start .*prebooted: no cold start/);
    expect(text).toContain('done ahead of the click: 298 ms (vmm)');
  });

  test('says when a start ended early', () => {
    expect(renderTimeline({ ...timeline, complete: false }, createStyle(createFakeIo()))).toContain('incomplete');
  });
});

test('an error shows causes, a tool’s own words and what to do', () => {
  const error = new FirstlightError('TOOL_FAILED', 'gcc failed.', {
    hint: 'Install gcc.',
    details: { output: 'cc1: out of memory\n' },
    cause: new Error('exit code 1', { cause: new Error('signal 9') }),
  });
  expect(renderError(error, createStyle(createFakeIo()))).toBe(
    [
      'error[TOOL_FAILED] gcc failed.',
      '  | cc1: out of memory',
      '  because: exit code 1',
      '  because: signal 9',
      'hint Install gcc.',
      '',
    ].join('\n'),
  );
});

test('an error that quotes a path of 900,000 characters prints a part of it', () => {
  const path = 'e'.repeat(900_000);
  const cause = new Error(`ENAMETOOLONG, open '${path}'`);
  const error = new FirstlightError('BAD_INPUT', `Could not open ${path}.`, { details: { output: path }, cause });
  const text = renderError(error, createStyle(createFakeIo()));
  expect(text.length).toBeLessThan(4_000);
  expect(text).toContain('characters more');
});

describe('progress', () => {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  test('is silent for what is quick', async () => {
    for (const io of [createFakeIo(), terminal()]) {
      const line = createProgressLine(io);
      line.report({ step: 'a', message: 'Working' });
      await wait(150);
      line.end();
      expect(io.err()).toBe('');
    }
  });

  test('in a pipe, is one plain line per step of what lasts', async () => {
    const io = createFakeIo();
    const line = createProgressLine(io);
    line.report({ step: 'a', message: 'Bundling' });
    await wait(1100);
    line.report({ step: 'a', message: 'Bundling', fraction: 0.5 });
    line.report({ step: 'b', message: 'Writing' });
    line.end();
    expect(io.err()).toBe('Bundling\nWriting\n');
  });

  test('on a terminal, is one line that leaves nothing behind', async () => {
    const io = terminal({ LANG: 'C' });
    const line = createProgressLine(io);
    line.report({ step: 'a', message: 'Bundling', fraction: 0.42 });
    await wait(700);
    line.end();
    expect(io.err()).toMatch(/[|/\\-] Bundling 42%/);
    expect(io.err().endsWith('\r\x1b[K')).toBe(true);
    expect(io.err()).not.toContain('\n');
  });
});

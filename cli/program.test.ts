import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createScriptedEngine } from '../test/contract/scripted-engine.ts';
import { main } from './program.ts';
import { createFakeIo } from './testing/fake-io.ts';
import { cli, opening, type Parts, runParts } from './testing/run-cli.ts';
import { project, run } from './testing/samples.ts';

const made: string[] = [];
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true });
});

describe('usage', () => {
  const commands = 'doctor new build run invoke ps console logs stats pause resume stop rm runs serve'.split(' ');
  test.each(commands)('%s --help has an example and --json, and opens no engine', async (command) => {
    const { exitCode, out, close } = await cli([command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`$ firstlight ${command}`);
    expect(out).toContain('--json');
    expect(close).not.toHaveBeenCalled();
  });

  test.each(
    ['nanos', 'kernel'].flatMap((parent) =>
      ['install', 'list', 'use', 'rm'].map((command) => [parent, command] as const),
    ),
  )('%s %s --help likewise', async (parent, command) => {
    const { exitCode, out } = await cli([parent, command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`$ firstlight ${parent} ${command}`);
    expect(out).toContain('--json');
  });

  test.each(['ls', 'new', 'rm'])('volume %s --help likewise', async (command) => {
    const { exitCode, out } = await cli(['volume', command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`$ firstlight volume ${command}`);
    expect(out).toContain('--json');
  });

  test('no arguments prints the help', async () => {
    const { exitCode, out } = await cli([]);
    expect(exitCode).toBe(0);
    expect(out).toContain('Usage: firstlight');
  });

  test.each([
    [['runn'], "unknown command 'runn'"],
    [['run'], "missing required argument 'dir'"],
    [['run', 'x', '--start', 'warm'], "option '--start <mode>' argument 'warm' is invalid"],
    [['runs', '--limit', '0'], 'a whole number from 1 to 1000'],
    [['ps', '--nonsense'], "unknown option '--nonsense'"],
  ])('%j is bad input', async (argv, words) => {
    const { exitCode, out, err } = await cli(argv);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err).toContain(words);
  });

  test('bad usage with --json is JSON', async () => {
    const { exitCode, out, err } = await cli(['run', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(out)).toEqual({ error: { code: 'BAD_INPUT', message: "missing required argument 'dir'" } });
    expect(err).toBe('');
  });
});

describe('run', () => {
  test('--json prints exactly the published shape', async () => {
    const { exitCode, out, close } = await cli(['run', 'hello', '--json'], runParts);
    expect(exitCode).toBe(0);
    expect(close).toHaveBeenCalledOnce();
    const printed = JSON.parse(out);
    expect(Object.keys(printed)).toEqual([
      'function',
      'runtime',
      'image',
      'instance',
      'response',
      'timeline',
      'metrics',
    ]);
    expect(printed).toMatchObject({
      function: 'hello',
      runtime: 'ember',
      image: { id: 'a'.repeat(64), bytes: 1_400_000, cached: true, buildMs: 3.2 },
      instance: { id: 'hello-3f2a', domain: 'firstlight-hello-3f2a', uri: 'qemu:///system', accel: 'tcg' },
      response: { status: 200, headers: { 'content-type': 'application/json' }, body: { hello: 'Ada' } },
      timeline: {
        totalMs: 255,
        startMode: 'cold',
        ahead: null,
        marks: [{ name: 'ember.main', atMs: 7, source: 'guest', clock: 'guest-tsc', errorMs: 0.05 }],
      },
    });
    expect(printed.timeline.phases[1]).toEqual({ name: 'vmm', startMs: 1, durationMs: 2, errorMs: 0 });
  });

  test('--arg gives arguments, also such as look like options', async () => {
    const asked: unknown[] = [];
    const ask: CallHandlers['instances:run'] = ({ args }) => {
      asked.push(args);
      return run;
    };
    const parts = { calls: { ...runParts.calls, 'instances:run': ask } };
    await cli(['run', 'x', '--arg', '--verbose', '--arg', '', '--arg=-x=1'], parts);
    await cli(['run', 'x'], parts);
    expect(asked).toEqual([['--verbose', '', '-x=1'], undefined]);
    const { exitCode, err } = await cli(['run', 'x', '--arg', 'a\0b'], parts);
    expect([exitCode, err]).toEqual([2, expect.stringContaining('zero byte')]);
  });

  test.each([
    [{ kind: 'text', value: 'plain' }, 'plain'],
    [{ kind: 'bytes', base64: 'AP8=' }, { base64: 'AP8=' }],
  ] as const)('a body of %j is printed as %j', async (body, printed) => {
    const response = { status: 200, headers: {}, body, bytes: run.response?.bytes ?? (0 as never) };
    const { out } = await cli(['run', 'x', '--json'], {
      calls: { ...runParts.calls, 'instances:run': () => ({ ...run, response }) },
    });
    expect(JSON.parse(out).response.body).toEqual(printed);
  });

  test('people get the response, then the timeline', async () => {
    const { out, err } = await cli(['run', 'hello'], runParts);
    expect(out.indexOf('200 OK')).toBeLessThan(out.indexOf('"hello": "Ada"'));
    expect(out.indexOf('"hello": "Ada"')).toBeLessThan(out.indexOf('Cold start  255 ms  cold, emulated (TCG, no KVM)'));
    expect(out).toMatch(/ {2}vmm +2.00 ms +▏?[█▏▎▍▌▋▊▉]/);
    expect(out).not.toContain('\x1b');
    expect(err).toBe('');
  });

  test('a function that throws exits 1, with its mapped stack, and the timeline is still there', async () => {
    const error = {
      code: 'FUNCTION_THREW',
      message: 'TypeError: no name',
      details: { stack: 'TypeError: no name\n    at handler (handler.ts:3:9)' },
    } as const;
    const parts: Parts = {
      calls: { ...runParts.calls, 'instances:run': () => ({ ...run, outcome: 'failed', response: null, error }) },
    };
    const people = await cli(['run', 'hello'], parts);
    expect(people.exitCode).toBe(1);
    expect(people.err).toBe('error[FUNCTION_THREW] TypeError: no name\n  at handler (handler.ts:3:9)\n');
    expect(people.out).toContain('Cold start');

    const json = await cli(['run', 'hello', '--json'], parts);
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      error: { code: 'FUNCTION_THREW', message: 'TypeError: no name', stack: error.details.stack },
      timeline: { totalMs: 255 },
      response: null,
    });
    expect(json.err).toBe('');
  });

  test.each([
    ['BUILD_FAILED', 4],
    ['ENTRY_MISSING', 2],
    ['LIBVIRT_DENIED', 3],
    ['BOOT_TIMEOUT', 5],
  ] as const)('%s exits %i', async (code, expected) => {
    const { exitCode, out } = await cli(['run', 'hello', '--json'], {
      calls: {
        ...opening,
        'instances:run': () => {
          throw new FirstlightError(code, 'Words.', { hint: 'Do this.' });
        },
      },
    });
    expect(exitCode).toBe(expected);
    expect(JSON.parse(out)).toEqual({ error: { code, message: 'Words.', hint: 'Do this.' } });
  });

  test('warnings of the build are printed once, apart from the response', async () => {
    const warning = { severity: 'warning', message: 'Duplicate key.', file: 'handler.ts', line: 3, column: 9 } as const;
    const result = { image: {}, cached: true, buildMs: 1, steps: [], warnings: [warning] } as never;
    const finished = { projectId: project.id, result, error: null };
    const errOf = async (...options: string[]) => {
      const io = createFakeIo();
      const engine = createScriptedEngine({
        calls: {
          ...opening,
          'instances:run': () => {
            for (let build = 0; build < 2; build++) engine.emit('builds:finished', finished);
            return run;
          },
        },
      });
      await main(['run', 'hello', ...options], io, async () => ({ ...engine, close: async () => undefined }));
      expect(io.out()).not.toContain('Duplicate');
      return io.err();
    };
    expect(await errOf()).toBe('  handler.ts:3:9: warning: Duplicate key.\n');
    expect(await errOf('--json')).toBe('');
  });

  test.each([true, false])(
    'what a function says is shown on a terminal (%s), and as it is in a pipe',
    async (isTTY) => {
      const said = 'a\x1b[2Jb\x9bc\td';
      const shown = isTTY ? 'a␛[2Jb\ufffdc\td' : said;
      const problems = [{ severity: 'error', message: `not ${said}`, file: `x${said}.ts`, line: 1 }] as const;
      const failed = {
        code: 'FUNCTION_THREW',
        message: said,
        details: { stack: `${said}\n    at ${said} (x.ts:1)`, problems },
      };
      const response = { status: 200, headers: {}, body: { kind: 'text', value: said }, bytes: 9 as never };
      const io = createFakeIo({ env: { NO_COLOR: '1' } });
      if (isTTY) for (const stream of [io.stdout, io.stderr]) Object.assign(stream, { isTTY });
      const calls: Parts['calls'] = {
        ...opening,
        'instances:run': () => ({ ...run, response, error: failed }) as never,
      };
      const { out, err } = await cli(['run', 'hello'], { calls }, io);
      expect(out).toContain(`\n${shown}\n`);
      expect(err).toContain(`] ${shown}\n`);
      expect(err).toContain(`at ${shown} (x.ts:1)`);
      expect(err).toContain(`x${shown}.ts:1`);
      expect(`${out}${err}`.includes('\x1b[2J')).toBe(!isTTY);
    },
  );

  test('an instance that is kept cannot be prestarted', async () => {
    const { exitCode, err } = await cli(['run', 'hello', '--keep', '--start', 'prestarted'], runParts);
    expect(exitCode).toBe(2);
    expect(err).toContain('--keep cannot be used with --start prestarted');
  });

  test('makes the instance that a run in a mode ahead needs, and says what modes measure', async () => {
    const asked: unknown[] = [];
    const calls = {
      ...runParts.calls,
      'builds:prestart': (input: unknown) => {
        asked.push(input);
        return { image: {}, cached: true, buildMs: 1, steps: [], warnings: [] } as never;
      },
    };
    const { exitCode } = await cli(['run', 'hello', '--start', 'prebooted'], { ...runParts, calls });
    expect(exitCode).toBe(0);
    expect(asked).toEqual([{ projectId: project.id, startMode: 'prebooted' }]);
    expect((await cli(['run', '--help'])).out).toContain('prebooted   no cold start: the guest had booted');
  });

  test('refuses two answers to where it is to run', async () => {
    const { exitCode, err } = await cli(['run', 'hello', '--vmm', 'firecracker', '--host', 'lab'], runParts);
    expect(exitCode).toBe(2);
    expect(err).toContain('--vmm cannot be used with --host');
  });

  test('a syntax error shows file, line, column, the line and a caret', async () => {
    const problem = {
      severity: 'error',
      message: 'Expected ";" but found "x"',
      file: 'handler.ts',
      line: 12,
      column: 3,
      lineText: '\tx x',
    } as const;
    const { exitCode, err } = await cli(['run', 'hello'], {
      calls: {
        ...opening,
        'instances:run': () => {
          throw new FirstlightError('BUILD_FAILED', 'hello does not build.', { details: { problems: [problem] } });
        },
      },
    });
    expect(exitCode).toBe(4);
    expect(err).toBe(
      [
        'error[BUILD_FAILED] hello does not build.',
        '  handler.ts:12:3: error: Expected ";" but found "x"',
        '  12 | \tx x',
        '       \t ^',
        '',
      ].join('\n'),
    );
  });

  test('a folder that is not a project does not stay on the list, one that was there does', async () => {
    const broken = { ...project, config: null };
    const closed = vi.fn(() => null);
    const invalid = () => {
      throw new FirstlightError('PROJECT_INVALID', 'Words.');
    };
    const parts = (listed: (typeof project)[]): Parts => ({
      calls: {
        'projects:list': () => listed,
        'projects:open': () => broken,
        'projects:close': closed,
        'instances:run': invalid,
      },
    });
    expect((await cli(['run', 'x'], parts([broken]))).exitCode).toBe(2);
    expect(closed).not.toHaveBeenCalled();
    expect((await cli(['run', 'x'], parts([]))).exitCode).toBe(2);
    expect(closed).toHaveBeenCalledOnce();
  });

  test('the event comes from the option, a file or standard input', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'firstlight-cli-'));
    made.push(dir);
    await writeFile(join(dir, 'event.json'), '{"from":"file"}');
    const seen: unknown[] = [];
    const parts: Parts = {
      calls: {
        ...runParts.calls,
        'instances:run': (request) => {
          seen.push(request.event);
          return run;
        },
      },
    };
    await cli(['run', '.', '--event', '{"from":"option"}'], parts);
    await cli(['run', '.', '--event', 'event.json'], parts, createFakeIo({ cwd: dir }));
    const io = createFakeIo();
    io.stdin.end('{"from":"stdin"}');
    await cli(['run', '.', '--event', '-'], parts, io);
    await cli(['run', '.', '--event', '7'], parts);
    await cli(['run', '.'], parts);
    expect(seen.slice(0, 4)).toEqual([{ from: 'option' }, { from: 'file' }, { from: 'stdin' }, 7]);
    expect(seen[4]).toMatchObject({ method: 'GET', path: '/' });
  });

  test.each([['{"a":'], ['no-such-file.json']])('--event %s is bad input', async (event) => {
    const { exitCode, err } = await cli(['run', '.', '--event', event], runParts);
    expect(exitCode).toBe(2);
    expect(err).toContain('not JSON');
  });
});

describe('ending', () => {
  const waiting: Parts = {
    calls: {
      ...opening,
      'instances:run': (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new FirstlightError('CANCELLED', 'Cancelled.'))),
        ),
    },
  };

  test('Ctrl-C cancels the work, closes the engine and exits 130', async () => {
    const io = createFakeIo();
    const done = cli(['run', 'hello'], waiting, io);
    await vi.waitFor(() => io.end('SIGINT'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    io.end('SIGINT');
    const { exitCode, close, err } = await done;
    expect(exitCode).toBe(130);
    expect(close).toHaveBeenCalledOnce();
    expect(err).toContain('Cancelled.');
  });

  test('a reader that went away causes no error and no output', async () => {
    const io = createFakeIo();
    const done = cli(['run', 'hello', '--json'], waiting, io);
    await new Promise((resolve) => setTimeout(resolve, 50));
    io.end('SIGPIPE');
    expect(await done).toMatchObject({ exitCode: 141, out: '', err: '' });
  });

  test('an engine that never closes does not hold the command up', async () => {
    const io = createFakeIo();
    const engine = createScriptedEngine({ calls: { 'runs:list': () => [] } });
    const exitCode = await main(['runs'], io, async () => ({ ...engine, close: () => new Promise(() => undefined) }));
    expect(exitCode).toBe(0);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { createScriptedEngine } from '../test/contract/scripted-engine.ts';
import { main } from './program.ts';
import { createFakeIo, type FakeIo } from './testing/fake-io.ts';
import { instance, project, run } from './testing/samples.ts';

type Parts = Parameters<typeof createScriptedEngine>[0];

const opening: Parts['calls'] = { 'projects:list': () => [], 'projects:open': () => project };
const runParts: Parts = { calls: { ...opening, 'instances:run': () => run } };

async function cli(argv: readonly string[], parts: Parts = {}, io: FakeIo = createFakeIo()) {
  const close = vi.fn(async () => undefined);
  const engine = createScriptedEngine(parts);
  const exitCode = await main(argv, io, async () => ({ ...engine, close }));
  return { exitCode, out: io.out(), err: io.err(), close };
}

const made: string[] = [];
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true });
});

describe('usage', () => {
  const commands = 'doctor new build run invoke ps console logs stats stop rm runs serve'.split(' ');
  test.each(commands)('%s --help has an example and --json, and opens no engine', async (command) => {
    const { exitCode, out, close } = await cli([command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`$ firstlight ${command}`);
    expect(out).toContain('--json');
    expect(close).not.toHaveBeenCalled();
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
        totalMs: 127,
        startMode: 'cold',
        ahead: null,
        marks: [{ name: 'ember.main', atMs: 7, source: 'guest', clock: 'guest-tsc', errorMs: 0.05 }],
      },
    });
    expect(printed.timeline.phases[1]).toEqual({ name: 'vmm', startMs: 1, durationMs: 2 });
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
    expect(out.indexOf('"hello": "Ada"')).toBeLessThan(out.indexOf('Cold start  127 ms  cold, emulated (TCG, no KVM)'));
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
      timeline: { totalMs: 127 },
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

  test('a folder that is no project does not stay on the list, one that was there does', async () => {
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

  test('a reader that went away is no error and no words', async () => {
    const io = createFakeIo();
    const done = cli(['run', 'hello', '--json'], waiting, io);
    await new Promise((resolve) => setTimeout(resolve, 50));
    io.end('SIGPIPE');
    expect(await done).toMatchObject({ exitCode: 141, out: '', err: '' });
  });

  test('an engine that does not close does not hold the command up for long', async () => {
    const io = createFakeIo();
    const engine = createScriptedEngine({ calls: { 'instances:list': () => [] } });
    const startedAt = performance.now();
    const exitCode = await main(['ps'], io, async () => ({ ...engine, close: () => new Promise(() => undefined) }));
    expect(exitCode).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });
});

describe('instances', () => {
  const listed: Parts['calls'] = { 'instances:list': () => [instance, { ...instance, id: 'other-1' as never }] };

  test('ps lists them', async () => {
    const { out } = await cli(['ps'], { calls: listed });
    expect(out.split('\n')[1]).toMatch(/^hello-3f2a +hello +ready +cold +tcg +64 MiB +1 /);
  });

  test('an instance is found by its id, its domain or a beginning, and named when it is not', async () => {
    const stop = vi.fn(() => null);
    const parts: Parts = { calls: { ...listed, 'instances:stop': stop } };
    for (const name of ['hello-3f2a', 'firstlight-hello-3f2a', 'hell']) {
      expect((await cli(['stop', name, '--json'], parts)).out).toBe('{"stopped":["hello-3f2a"]}\n');
    }
    const { exitCode, err } = await cli(['stop', 'nobody'], parts);
    expect(exitCode).toBe(2);
    expect(err).toContain('There are: hello-3f2a, other-1');
  });

  test('stop wants an instance or --all, not both, not neither', async () => {
    expect((await cli(['stop'])).exitCode).toBe(2);
    expect((await cli(['stop', 'x', '--all'])).exitCode).toBe(2);
  });

  test('rm takes an instance or a run', async () => {
    const removed: unknown[] = [];
    const take = (request: unknown) => {
      removed.push(request);
      return null;
    };
    const parts: Parts = { calls: { ...listed, 'instances:remove': take, 'runs:remove': take } };
    await cli(['rm', 'hello-3f2a'], parts);
    await cli(['rm', run.id], parts);
    expect(removed).toEqual([{ instanceId: 'hello-3f2a' }, { runId: run.id }]);
  });

  test('a piped console passes bytes through unchanged, both ways', async () => {
    const io = createFakeIo();
    const { exitCode, out } = await cli(
      ['console', 'hello-3f2a'],
      {
        calls: listed,
        streams: {
          'console:attach': async (_, stream) => {
            const typed = new Promise<Uint8Array>((resolve) => stream.onData(resolve));
            await stream.write(Buffer.from('\x1b[31mboot\x1b[0m '));
            io.stdin.write('typed\x1d');
            await stream.write(await typed);
          },
        },
      },
      io,
    );
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: '\x1b[31mboot\x1b[0m typed\x1d' });
  });

  test('logs end when the console is quiet, --json says text or bytes', async () => {
    const { out } = await cli(['logs', 'hello-3f2a', '--json'], {
      calls: listed,
      streams: {
        'console:attach': async (_, stream) => {
          await stream.write(Buffer.from('ready\n'));
          await stream.write(Buffer.from([0xff]));
          await new Promise((resolve) => stream.signal.addEventListener('abort', resolve));
        },
      },
    });
    expect(out).toBe('{"text":"ready\\n"}\n{"base64":"/w=="}\n');
  });
});

describe('doctor', () => {
  const failing = {
    ok: false,
    uri: 'qemu:///system',
    accel: { kind: 'tcg', reason: 'KVM hangs the probe guest.' },
    versions: {},
    checks: [
      {
        id: 'kvm',
        title: 'KVM',
        status: 'failed',
        found: '/dev/kvm is 0600.',
        why: 'It costs 44 s a start.',
        fix: { label: 'Give group kvm the device', command: 'chgrp kvm /dev/kvm', applicable: true },
      },
    ],
  } as const;

  test('a failing check exits 3 and says why and what to type', async () => {
    const { exitCode, out } = await cli(['doctor'], {
      calls: { 'doctor:run': () => structuredClone(failing) as never },
    });
    expect(exitCode).toBe(3);
    expect(out).toContain('FAIL  KVM  /dev/kvm is 0600.');
    expect(out).toContain('Give group kvm the device: chgrp kvm /dev/kvm');
  });

  test('--fix applies what can be applied', async () => {
    const fixed: string[] = [];
    const { exitCode } = await cli(['doctor', '--fix', '--json'], {
      calls: {
        'doctor:run': () => structuredClone(failing) as never,
        'doctor:fix': ({ checkId }) => {
          fixed.push(checkId);
          return { ...structuredClone(failing), ok: true } as never;
        },
      },
    });
    expect({ exitCode, fixed }).toEqual({ exitCode: 0, fixed: ['kvm'] });
  });
});

describe('serve', () => {
  test('--json prints where, and it is there until it is ended', async () => {
    const io = createFakeIo();
    const done = cli(['serve', '--json'], {}, io);
    await vi.waitFor(() => expect(io.out()).toContain('\n'));
    const { url, origin } = JSON.parse(io.out());
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{64}$/);
    expect((await fetch(origin)).headers.get('x-content-type-options')).toBe('nosniff');
    io.end('SIGINT');
    expect((await done).exitCode).toBe(130);
    await expect(fetch(origin)).rejects.toThrow();
  });
});

test('studio, without a display, says where it is, runs the sample and shows its timeline', async () => {
  const io = createFakeIo();
  const build = { image: {}, cached: true, buildMs: 1, steps: [], warnings: [] } as never;
  const engine = createScriptedEngine({
    calls: {
      'app:info': () => ({ version: '', uri: '', accel: null, connection: 'connected', projectsDir: '/projects' }),
      'projects:create': () => {
        throw new FirstlightError('ALREADY_EXISTS', 'It is there.');
      },
      'projects:open': () => project,
      'instances:list': () => [],
      'builds:build': () => {
        engine.emit('instances:changed', { instance: { ...instance, state: 'prestarted' } });
        return build;
      },
      'instances:run': () => run,
      'doctor:run': () => ({ ok: true, uri: '', accel: null, versions: {}, checks: [] }),
    },
  });
  const done = main(['studio'], io, async () => ({ ...engine, close: async () => undefined }));
  await vi.waitFor(() => expect(io.err()).toContain('Serving until Ctrl-C.'), 5000);
  expect(io.out()).toMatch(
    /^Studio: http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{64}\n200 OK[\s\S]*Cold start {2}127 ms/,
  );
  io.end('SIGINT');
  expect(await done).toBe(130);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { createScriptedEngine } from '../../test/contract/scripted-engine.ts';
import { main } from '../program.ts';
import { createFakeIo } from '../testing/fake-io.ts';
import { cli, type Parts } from '../testing/run-cli.ts';
import { instance, localHost, project, run } from '../testing/samples.ts';

describe('instances', () => {
  const listed: Parts['calls'] = {
    'instances:list': () => [instance, { ...instance, id: 'other-1' as never }],
    'hosts:list': () => [localHost],
  };

  test('ps lists them', async () => {
    const { out } = await cli(['ps'], { calls: listed });
    expect(out.split('\n')[1]).toMatch(/^hello-3f2a +hello +ready +cold +tcg +64 MiB +1 /);
  });

  test('ps names the host when there is more than one, and notes one that is lost', async () => {
    const lab = { ...localHost, name: 'lab', state: 'lost', failure: 'Nobody listens at /lab.' } as const;
    const calls: Parts['calls'] = { ...listed, 'hosts:list': () => [localHost, lab] };
    const { exitCode, out, err } = await cli(['ps'], { calls });
    expect(exitCode).toBe(3);
    expect(out.split('\n')[0]).toMatch(/^INSTANCE +HOST +FUNCTION/);
    expect(out.split('\n')[1]).toMatch(/^hello-3f2a +local +hello +ready/);
    expect(err).toBe('The instances on host lab are not known. Nobody listens at /lab.\n');
  });

  test.each([
    [['ps'], 'No instances on the hosts that answer. Start one with: firstlight run <dir> --keep\n'],
    [['ps', '--json'], '[]\n'],
    [['stop', '--all'], 'Nothing runs on the hosts that answer.\n'],
    [['stats', '--json'], '[]\n'],
  ])('%s with nothing listed while this machine’s host is lost names it, and fails', async (argv, words) => {
    const lost = { ...localHost, state: 'lost', failure: 'no libvirt daemon is running.' } as const;
    const other = { ...localHost, name: 'firecracker', uri: 'firecracker' };
    const calls: Parts['calls'] = { 'instances:list': () => [], 'hosts:list': () => [lost, other] };
    const { exitCode, out, err } = await cli(argv, { calls });
    expect({ exitCode, out }).toEqual({ exitCode: 3, out: words });
    expect(err).toBe('The instances on host local are not known. no libvirt daemon is running.\n');
  });

  test('hosts are listed, added and removed; a name is checked', async () => {
    const lab = { name: 'lab', uri: 'qemu+unix:///system?socket=/lab' };
    const add = vi.fn(() => ({ ...localHost, ...lab }));
    const remove = vi.fn(() => null);
    const parts: Parts = { calls: { 'hosts:list': () => [localHost], 'hosts:add': add, 'hosts:remove': remove } };
    expect((await cli(['host', 'ls'], parts)).out.split('\n')[1]).toMatch(/^local +connected +qemu:\/\/\/system/);
    expect((await cli(['host', 'add', lab.name, lab.uri], parts)).out).toBe(`Host lab at ${lab.uri}\n`);
    expect((await cli(['host', 'rm', 'lab', '--json'], parts)).out).toBe('{"removed":"lab"}\n');
    expect((await cli(['host', 'add', 'La b', lab.uri], parts)).exitCode).toBe(2);
    expect([add, remove].map((call) => call.mock.calls.length)).toEqual([1, 1]);
  });

  test('an instance is found by its id, its domain or a beginning, and named when it is not', async () => {
    const stop = vi.fn(() => null);
    const parts: Parts = { calls: { ...listed, 'instances:stop': stop } };
    for (const name of ['hello-3f2a', 'firstlight-hello-3f2a', 'hell']) {
      expect((await cli(['stop', name, '--json'], parts)).out).toBe('{"stopped":["hello-3f2a"],"failed":[]}\n');
    }
    const { exitCode, err } = await cli(['stop', 'nobody'], parts);
    expect(exitCode).toBe(2);
    expect(err).toContain('There are: hello-3f2a, other-1');
  });

  test('stop --all waits for each answer, and says which of them libvirt would not end', async () => {
    const stopOne = async ({ instanceId }: { instanceId: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (instanceId === 'other-1') throw new FirstlightError('LIBVIRT_FAILED', 'Could not stop other-1: refused');
      return null;
    };
    const { exitCode, out, err } = await cli(['stop', '--all'], { calls: { ...listed, 'instances:stop': stopOne } });
    expect(out).toBe('Stopped hello-3f2a\n');
    expect(err).toContain('Could not stop other-1: refused');
    expect(exitCode).toBe(3);
  });

  test('projects are listed, and closed by id, name or folder', async () => {
    const close = vi.fn(() => null);
    const parts: Parts = { calls: { 'projects:list': () => [project], 'projects:close': close } };
    expect((await cli(['projects', 'ls'], parts)).out).toContain(project.dir);
    for (const name of [project.id, project.name, project.dir]) {
      expect((await cli(['projects', 'close', name], parts)).out).toBe(`Closed ${project.dir}\n`);
    }
    expect(close).toHaveBeenCalledTimes(3);
    expect((await cli(['projects', 'close', 'nothing'], parts)).exitCode).toBe(2);
  });

  test('trust is given and taken back, also by --trust, and says what a project asks for', async () => {
    const foreign = { ...project, trusted: false };
    const asks = [{ kind: 'network' as const, subject: 'outbound', message: 'Opens connections.' }];
    const trust = vi.fn(({ trusted }: { trusted: boolean }) => ({ ...foreign, trusted, asks }));
    const parts: Parts = {
      calls: { 'projects:list': () => [foreign], 'projects:open': () => foreign, 'projects:trust': trust },
    };
    expect((await cli(['trust', '.'], parts)).out).toBe('Trusted /somewhere/hello.\n  Opens connections.\n');
    expect(JSON.parse((await cli(['trust', '.', '--revoke', '--json'], parts)).out)).toMatchObject({ trusted: false });
    await cli(['build', '.', '--trust'], parts);
    await cli(['build', '.'], parts);
    expect(trust.mock.calls.map(([{ trusted }]) => trusted)).toEqual([true, false, true]);
    expect((await cli(['projects', 'ls'], parts)).out).toMatch(/ no +\/somewhere|- +\/somewhere/);
  });

  test('pause and resume change one instance', async () => {
    const suspend = vi.fn(() => null);
    const resume = vi.fn(() => null);
    const parts: Parts = { calls: { ...listed, 'instances:suspend': suspend, 'instances:resume': resume } };
    expect((await cli(['pause', 'hello'], parts)).out).toBe('Paused hello-3f2a\n');
    expect((await cli(['resume', 'hello', '--json'], parts)).out).toBe('{"id":"hello-3f2a"}\n');
    expect([suspend, resume].map((call) => call.mock.calls.length)).toEqual([1, 1]);
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

  test('no list is given when no host can be asked', async () => {
    const calls: Parts['calls'] = {
      'instances:list': () => [],
      'hosts:list': () => [{ ...localHost, state: 'lost', failure: 'no daemon' }],
    };
    const { exitCode, out, err } = await cli(['ps'], { calls });
    expect({ exitCode, out }).toEqual({ exitCode: 3, out: '' });
    expect(err).toContain('qemu:///system cannot be asked');
  });

  test('logs of an instance whose run is on record are that record', async () => {
    const { out } = await cli(['logs', 'hello-3f2a'], {
      calls: { ...listed, 'runs:get': () => run },
      streams: { 'console:replay': (_, stream) => stream.write(Buffer.from('boot\n')) },
    });
    expect(out).toBe('boot\n');
  });

  test('logs end when the console is quiet, --json says text or bytes', async () => {
    const gone = () => {
      throw new FirstlightError('NOT_FOUND', 'There is no such run.');
    };
    const { out } = await cli(['logs', 'hello-3f2a', '--json'], {
      calls: { ...listed, 'runs:get': gone },
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

const homes: string[] = [];
const home = () => {
  const dir = mkdtempSync(join(tmpdir(), 'fl-cli-'));
  homes.push(dir);
  return dir;
};
afterAll(() => {
  for (const dir of homes) rmSync(dir, { recursive: true });
});

const sampleCalls: NonNullable<Parts['calls']> = {
  'projects:list': () => [project],
  'app:info': () => ({
    version: '',
    uri: '',
    accel: null,
    connection: 'connected',
    projectsDir: '/projects',
    settingsPath: '/settings.json',
  }),
  'projects:open': () => project,
  'projects:readFile': ({ path }) => ({ path, text: '', revision: `revision of ${path}` }),
  'settings:get': () => ({}),
  'settings:set': () => null,
  'builds:prestart': () => ({ image: {}, cached: true, buildMs: 1, steps: [], warnings: [] }) as never,
};

describe('serve', () => {
  test('--json prints where, and it is there until it is ended', async () => {
    const io = createFakeIo({ env: { FIRSTLIGHT_HOME: home() } });
    const done = cli(['serve', '--json'], { calls: sampleCalls }, io);
    await vi.waitFor(() => expect(io.out()).toContain('\n'), 10_000);
    const { url, origin } = JSON.parse(io.out());
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{64}$/);
    expect((await fetch(origin)).headers.get('x-content-type-options')).toBe('nosniff');
    io.end('SIGINT');
    expect((await done).exitCode).toBe(130);
    await expect(fetch(origin)).rejects.toThrow();
  });

  test('is at the same address with the same token when it starts again', async () => {
    const dir = home();
    const urls: string[] = [];
    for (let start = 0; start < 2; start++) {
      const io = createFakeIo({ env: { FIRSTLIGHT_HOME: dir } });
      const done = cli(['serve', '--json'], { calls: sampleCalls }, io);
      await vi.waitFor(() => expect(io.out()).toContain('\n'), 10_000);
      urls.push(JSON.parse(io.out()).url);
      io.end('SIGINT');
      await done;
    }
    expect(urls[1]).toBe(urls[0]);
  });

  test('runs the sample where nothing is open', async () => {
    const io = createFakeIo({ env: { FIRSTLIGHT_HOME: home() } });
    const asked: string[] = [];
    const done = cli(
      ['serve', '--json'],
      {
        calls: {
          ...sampleCalls,
          'projects:list': () => [],
          'projects:create': () => project,
          'instances:run': () => {
            asked.push('run');
            return run;
          },
        },
      },
      io,
    );
    await vi.waitFor(() => expect(asked).toEqual(['run']), 10_000);
    io.end('SIGINT');
    await done;
  });
});

test('studio, without a display, says where it is, runs the sample and shows its timeline', async () => {
  const io = createFakeIo({ env: { FIRSTLIGHT_HOME: home(), LANG: 'C.UTF-8' } });
  const engine = createScriptedEngine({
    calls: {
      ...sampleCalls,
      'projects:create': () => project,
      'instances:run': () => run,
      'doctor:run': () => ({ ok: true, uri: '', accel: null, versions: {}, checks: [] }),
    },
  });
  const done = main(['studio'], io, async () => ({ ...engine, close: async () => undefined }));
  await vi.waitFor(() => expect(io.err()).toContain('Serving until Ctrl-C.'), 5000);
  expect(io.out()).toMatch(
    /^Studio: http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{64}\n200 OK[\s\S]*Cold start {2}255 ms/,
  );
  io.end('SIGINT');
  expect(await done).toBe(130);
});

test('studio opens a sample that was edited, and does not run it', async () => {
  const io = createFakeIo({ env: { FIRSTLIGHT_HOME: home() } });
  const ran: string[] = [];
  const engine = createScriptedEngine({
    calls: {
      ...sampleCalls,
      'settings:get': () => ({ sample: ['revision of another text', 'revision of firstlight.json'] }),
      'projects:create': () => {
        throw new FirstlightError('ALREADY_EXISTS', 'It is there.');
      },
      'instances:run': () => {
        ran.push('run');
        return run;
      },
      'doctor:run': () => ({ ok: true, uri: '', accel: null, versions: {}, checks: [] }),
    },
  });
  const done = main(['studio', '--json'], io, async () => ({ ...engine, close: async () => undefined }));
  await vi.waitFor(() => expect(io.out()).toContain('runId'), 10_000);
  expect(JSON.parse(io.out()).runId).toBeNull();
  expect(ran).toEqual([]);
  io.end('SIGINT');
  await done;
});

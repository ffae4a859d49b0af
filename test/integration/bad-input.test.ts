import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { domains, makeHome, removeHome, resources, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 60_000 });
const program = join(resources.rendererDir, '../cli.mjs');
const reason = whyNot() ?? (existsSync(program) ? null : `${program} is not built`);
const endless = 'export default () => { for (;;); };';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command line as a person uses it: a separate process and home. */
describe.skipIf(reason !== null)(`bad input${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    removeHome(home);
  });

  function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(process.execPath, [program, ...argv], {
      cwd: home,
      env: { ...process.env, FIRSTLIGHT_HOME: home, FIRSTLIGHT_ACCEL: 'tcg', ...env },
    });
    children.push(child);
    return child;
  }
  async function ended(child: ChildProcess): Promise<Ended> {
    const text = { out: '', err: '' };
    child.stdout?.on('data', (chunk) => {
      text.out += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      text.err += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, ...text };
  }
  const cli = (argv: readonly string[], env?: NodeJS.ProcessEnv) => ended(start(argv, env));

  function project(name: string, source: string, config: object = {}): string {
    const dir = join(home, 'p', name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ name, ...config }, null, 2));
    writeFileSync(join(dir, 'handler.ts'), source);
    return dir;
  }
  const ours = (name: string) => domains().filter((domain) => domain.startsWith(`firstlight-${name}-`));
  const socketDirs = () => (existsSync(join(home, 'run/sockets')) ? readdirSync(join(home, 'run/sockets')) : []);

  it.each([
    ['a syntax error', 'export default () => {\n  const a = ;\n};', {}, 4, 'BUILD_FAILED', 'handler.ts:2:13'],
    ['a package that is not there', 'import "nope-x";\nexport default () => 1;', {}, 4, 'BUILD_FAILED', 'npm install'],
    ['a file that is not there', 'import "./nope";\nexport default () => 1;', {}, 4, 'BUILD_FAILED', './nope'],
    ['a module of Node.js', 'import "node:net";\nexport default () => 1;', {}, 4, 'BUILD_FAILED', 'node:net'],
    ['no default export', 'export const handler = () => 1;', {}, 4, 'EXPORT_MISSING', 'default export'],
    ['no entry', '', { entry: 'gone.ts' }, 2, 'ENTRY_MISSING', 'gone.ts'],
    ['too little memory', 'export default () => 1;', { memoryMiB: 2 }, 2, 'MEMORY_TOO_SMALL', 'memoryMiB'],
    ['an unknown key', 'export default () => 1;', { memory: 64 }, 2, 'PROJECT_INVALID', '"memory"'],
  ] as const)('%s is said with its place, and starts nothing', async (_, source, config, code, errorCode, words) => {
    const dir = project(`bad-${errorCode.toLowerCase().replaceAll('_', '-')}`, source, config);
    const { code: exitCode, out } = await cli(['run', dir, '--json']);
    const { error } = JSON.parse(out);
    expect({ exitCode, code: error.code }).toEqual({ exitCode: code, code: errorCode });
    expect(`${error.message} ${error.hint}`).toContain(words);
    expect(error.hint).toBeTruthy();
    expect(JSON.parse((await cli(['runs', '--json'])).out)).toEqual([]);
  });

  it('an event that is not an event is refused before anything runs', async () => {
    const dir = project('events', 'export default (event) => event;');
    writeFileSync(join(home, 'broken.json'), '{\n  "a": 1,\n  "b" 2\n}');
    const words: Record<string, string> = {
      '{"a":': '--event is not JSON',
      'broken.json': 'broken.json is not JSON (line 3, column 7)',
      'gone.json': 'there is no such file',
      '.': 'is a folder',
      '': '--event is empty',
      '/dev/zero': 'takes more than',
    };
    for (const [event, expected] of Object.entries(words)) {
      const { code, err } = await cli(['run', dir, '--event', event]);
      expect({ event, code, err }).toMatchObject({ event, code: 2, err: expect.stringContaining(expected) });
    }
    expect(JSON.parse((await cli(['runs', '--json'])).out)).toEqual([]);
  });

  it('a libvirt that is not there is said by all that need it, with what to do', async () => {
    // Another host would answer in its place.
    const env = { FIRSTLIGHT_URI: `qemu+unix:///system?socket=${home}/none`, FIRSTLIGHT_FIRECRACKER: '' };
    const dir = project('alone', 'export default () => 1;');
    for (const argv of [['run', dir], ['ps'], ['stats'], ['stop', '--all'], ['console', 'x']]) {
      const { code, out, err } = await cli(argv, env);
      expect({ argv, code, out }).toEqual({ argv, code: 3, out: '' });
      expect(err).toMatch(/^error\[LIBVIRT_UNREACHABLE\]/m);
      expect(err).toMatch(/^hint .*firstlight doctor/m);
    }
    const { code, out } = await cli(['doctor'], env);
    expect({ code, out }).toMatchObject({ code: 3, out: expect.stringContaining(': unset FIRSTLIGHT_URI') });
    expect(out).not.toMatch(/systemctl|libvirtd -d/);
    expect((await cli(['ps'], { ...env, FIRSTLIGHT_URI: 'bogus:///x' })).code).toBe(3);
    expect(await cli(['run', dir], { ...env, FIRSTLIGHT_URI: 'bogus:///x' })).toMatchObject({ code: 2 });
  });

  it('a system that opens no more files ends in an error, also before the program is loaded', async () => {
    const run = (...args: string[]) =>
      spawn('prlimit', ['--nofile=28:28', process.execPath, program, 'runs', ...args], { cwd: home });
    const { code, out, err } = await ended(run('--json'));
    expect({ code, err }).toEqual({ code: 3, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'STORE_UNUSABLE', hint: expect.stringContaining('ulimit -n') },
    });
    expect((await ended(run())).err).toMatch(/^error\[STORE_UNUSABLE\] Could not load .*EMFILE.*\nhint .*ulimit/);
  });

  it('the doctor says what an address of libvirt may be', async () => {
    const { code, out } = await cli(['doctor'], { FIRSTLIGHT_URI: 'bogus:///x', FIRSTLIGHT_FIRECRACKER: '' });
    expect({ code, out }).toMatchObject({
      code: 3,
      out: expect.stringContaining('Set FIRSTLIGHT_URI to qemu:///system'),
    });
  });

  it('an event that cannot be sent is refused with its place', async () => {
    const dir = project('unsendable', 'export default () => ({ list: [1, 10n] });');
    const { code, err } = await cli(['run', dir]);
    expect(code).toBe(1);
    expect(err).toContain('error[RESPONSE_NOT_SERIALIZABLE] The handler returned a BigInt at list[1]');
  });

  it('Ctrl-C in an endless loop ends it and leaves no domain', async () => {
    const child = start(['run', project('struck', endless, { timeoutMs: 60_000 })]);
    const done = ended(child);
    await until('it runs', () => ours('struck').length === 1);
    child.kill('SIGINT');
    const { code, err } = await done;
    expect(code).toBe(130);
    expect(err).toContain('Cancelled.');
    await until('its domain is gone', () => ours('struck').length === 0);
  });

  it('kill -9 leaves no domain and no file, and the run is on record as interrupted', async () => {
    const child = start(['run', project('killed', endless, { timeoutMs: 60_000 })]);
    const done = ended(child);
    const listed = async () => JSON.parse((await cli(['ps', '--json'])).out).some(isKilled);
    const recorded = async () => JSON.parse((await cli(['runs', '--json'])).out).some(isKilled);
    const isKilled = ({ functionName }: { functionName: string }) => functionName === 'killed';
    await until('another process sees it', listed);
    await until('its run is on record', recorded);
    child.kill('SIGKILL');
    await done;
    await until('its domain is gone', () => ours('killed').length === 0);
    const runs = JSON.parse((await cli(['runs', '--json'])).out);
    expect(runs.find(isKilled)).toMatchObject({ outcome: 'interrupted' });
    expect((await cli(['ps'])).code).toBe(0);
    expect(socketDirs()).toEqual([]);
  });

  it('a full standard output is said in one line', async () => {
    const child = spawn('sh', ['-c', '"$0" "$1" doctor > /dev/full', process.execPath, program], {
      cwd: home,
      env: { ...process.env, FIRSTLIGHT_HOME: home },
    });
    const { code, err } = await ended(child);
    expect(code).toBe(3);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^error\[DISK_FULL\] Could not write to standard output: ENOSPC/);
  });

  it('runs of one project at the same time each get their answer', async () => {
    const dir = project('twins', 'export default (event) => event.n;');
    const runs = await Promise.all([1, 2].map((n) => cli(['run', dir, '--json', '--event', `{"n":${n}}`])));
    expect(runs.map(({ out }) => JSON.parse(out).response.body)).toEqual([1, 2]);
  });

  it('a list of hosts in the settings is named once by what lists and by what uses it', async () => {
    const own = join(home, 'hosts');
    mkdirSync(join(own, 'data'), { recursive: true });
    writeFileSync(join(own, 'data/settings.json'), '{"hosts":[{"name":"lab"}]}');
    const dir = project('anywhere', 'export default () => 1;');
    for (const [argv, code] of [
      [['host', 'ls', '--json'], 0],
      [['ps', '--json'], 0],
      [['run', '--host', 'lab', dir], 3],
    ] as const) {
      const result = await cli(argv, { FIRSTLIGHT_HOME: own });
      expect([argv, result.code]).toEqual([argv, code]);
      expect(result.err).toContain(join(own, 'data/settings.json'));
      const warned = result.err.split('hosts.0.uri').length - 1;
      // What names a host is refused besides.
      expect([argv, warned]).toEqual([argv, code === 0 ? 1 : 2]);
      if (argv[0] === 'host') expect(JSON.parse(result.out)).toContainEqual(expect.objectContaining({ name: 'local' }));
    }
  });

  it('an instance that was kept shows its console, and is called while another looks on', async () => {
    const dir = project(
      'kept',
      'export default (event) => { console.log("\\u001b[31mn", event.n); console.error("bad"); return event.n; };',
    );
    expect((await cli(['run', dir, '--keep', '--event', '{"n":1}'])).code).toBe(0);
    const [{ id }] = JSON.parse((await cli(['ps', '--json'])).out);
    expect((await cli(['logs', id])).out).toContain('\u001b[31mn 1\r\nbad\r\n');
    expect((await cli(['logs', id, '--stderr'])).out).toBe('bad\r\n');
    expect((await cli(['logs', id, '--stdout'])).out).not.toContain('bad');
    const watching = start(['console', id]);
    const watched = ended(watching);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const called = await cli(['invoke', id, '--json', '--event', '{"n":2}']);
    expect(JSON.parse(called.out).response.body).toBe(2);
    expect((await cli(['rm', id])).code).toBe(0);
    expect((await watched).out).toContain('\u001b[31mn 2');
    await until('it is gone', () => ours('kept').length === 0);
  });
});

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { openOpsPackage } from './open-ops-package.ts';
import { parseMemoryMiB, parsePorts } from './ops-values.ts';
import { parseOpsConfig } from './parse-ops-config.ts';

const run = promisify(execFile);
let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fl-ops-'));
  await mkdir(join(base, 'web'));
  await writeFile(join(base, 'data.txt'), 'data');
  await writeFile(join(base, 'server'), 'program');
});
afterAll(() => rm(base, { recursive: true, force: true }));

/** Every problem as `line:column severity message`. */
const problemsOf = (text: string) =>
  parseOpsConfig(text, 'config.json').problems.map(
    ({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`,
  );

describe('an ops config.json', () => {
  it('reports unknown keys with their places and the nearest known one', () => {
    expect(problemsOf('{\n  "Program": "x",\n  "Argz": [],\n  "RunConfig": { "Memmory": "2G" }\n}')).toEqual([
      '3:3 error Unknown key "Argz". Did you mean "Args"?',
      '4:18 error Unknown key "Memmory". Did you mean "Memory"?',
    ]);
    expect(problemsOf('{ "RunConfig": { "Klibs": ["ntp"] }, "memory": "2G" }')).toEqual([
      '1:18 error Unknown key "Klibs". It belongs outside "RunConfig".',
      '1:38 error Unknown key "memory". It belongs in "RunConfig".',
    ]);
    expect(problemsOf('{ "Program": 3 }')).toEqual(['1:14 error "Program" must be text in double quotes, not 3.']);
    expect(problemsOf('{ "Program": ')[0]).toMatch(/^1:\d+ error/);
  });

  it('may spell its keys in any case, as ops takes them', () => {
    const { config } = parseOpsConfig(
      '{"program":"x","RUNCONFIG":{"memory":"1G","nics":[{"ipaddress":"10.0.0.2"}]}}',
      'c',
    );
    expect(config).toEqual({ Program: 'x', RunConfig: { Memory: '1G', Nics: [{ IPAddress: '10.0.0.2' }] } });
  });

  it('says of each key without effect why, and of those that cannot be had', () => {
    expect(problemsOf('{ "Program": "x", "Force": true, "Version": "", "CloudConfig": {} }')).toEqual([
      '1:19 warning "Force" has no effect: it steers the command ops itself.',
    ]);
    const { config, problems } = parseOpsConfig('{ "RunConfig": { "GPUs": 1 } }', 'c');
    expect(config).toBeNull();
    expect(problems[0]?.message).toBe('"RunConfig.GPUs" cannot be had: machines here have no GPU.');
  });

  it('says sizes and ports in ops’ ways', () => {
    expect(['2G', '512M', '1.5g', '1024', '2048k', '0', '-1', '1e9', 'x', '9999999G'].map(parseMemoryMiB)).toEqual([
      2048,
      512,
      1536,
      1024,
      2,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(parsePorts('80-82')).toEqual([80, 81, 82]);
    expect(['0', '65536', '90-80', '1-65535', '80,81', ''].map(parsePorts)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('an ops package', () => {
  const manifest = {
    Program: 'lua_5.2.4/lua',
    Args: ['lua', '-v'],
    Version: '5.2.4',
    Env: { A: 'b', 'a.b-c': 'd' },
    RunConfig: { Ports: ['9000'] },
  };

  async function makePackage(name: string, text = JSON.stringify(manifest)) {
    const dir = join(base, name);
    await mkdir(join(dir, 'sysroot/lib/sub'), { recursive: true });
    await writeFile(join(dir, 'package.manifest'), text);
    await writeFile(join(dir, 'lua'), 'program');
    await writeFile(join(dir, 'sysroot/lib/libc.so.6'), 'libc');
    await symlink('libc.so.6', join(dir, 'sysroot/lib/libc.so'));
    return dir;
  }
  const open = (path: string) =>
    openOpsPackage(path, { layout: createLayout({ home: join(base, 'home'), env: {}, uid: 1000 }) });

  it('is its sysroot at the root, and its program beside it, from a folder and from a tarball alike', async () => {
    const dir = await makePackage('lua_5.2.4');
    const paths = ['/lib', '/lib/libc.so', '/lib/libc.so.6', '/lib/sub', '/lua'];
    const found = await open(dir);
    expect([...found.tree.keys()].sort()).toEqual(paths);
    expect(found).toMatchObject({
      name: 'lua_5.2.4',
      run: { program: '/lua', args: ['-v'], env: { A: 'b', 'a.b-c': 'd' }, port: 9000 },
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect((await open(dir)).digest).toBe(found.digest);
    await writeFile(join(dir, 'lua'), 'program, changed');
    expect((await open(dir)).digest).not.toBe(found.digest);

    const tarball = join(base, 'lua_5.2.4.tar.gz');
    await run('tar', ['-C', base, '-czf', tarball, 'lua_5.2.4']);
    const packed = await open(tarball);
    expect([...packed.tree.keys()].sort()).toEqual(paths);
    expect(packed.tree.get('/lib/libc.so')).toMatchObject({ kind: 'symlink', target: 'libc.so.6' });
    expect(packed.name).toBe('lua_5.2.4');
    expect(packed.run).toEqual(found.run);
  });

  it('is no pipe, and has none as its manifest', async () => {
    await run('mkfifo', [join(base, 'pipe')]);
    await expect(open(join(base, 'pipe'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const dir = await makePackage('piped_1');
    await rm(join(dir, 'package.manifest'));
    await run('mkfifo', [join(dir, 'package.manifest')]);
    await expect(open(dir)).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('is a pipe') });
  });

  it('may have its program in the sysroot, by an absolute path', async () => {
    const dir = await makePackage('own_1', JSON.stringify({ Program: '/lib/libc.so' }));
    expect((await open(dir)).run).toMatchObject({ program: '/lib/libc.so.6', args: [], port: null });
  });

  it('without a program, a manifest, or with a broken one is refused', async () => {
    await expect(open(await makePackage('a_1', '{"Program":"a_1/none"}'))).rejects.toThrow(/which is not in it/);
    await expect(open(await makePackage('b_1', '{}'))).rejects.toMatchObject({ code: 'BAD_INPUT', exitCode: 2 });
    await expect(open(await makePackage('c_1', '{"Programm":"x"}'))).rejects.toMatchObject({
      details: { problems: [{ message: 'Unknown key "Programm". Did you mean "Program"?', line: 1, column: 2 }] },
    });
    await expect(open(join(base, 'web'))).rejects.toThrow(/is not an ops package/);
    await expect(open(join(base, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const tarball = join(base, 'other.tar');
    await run('tar', ['-C', base, '-cf', tarball, 'web']);
    await expect(open(tarball)).rejects.toThrow(/is not an ops package/);
  });
});

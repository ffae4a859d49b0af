import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { type Project, projectConfigSchema } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { openOpsPackage } from './open-ops-package.ts';
import { ignoredKeys, opsConfigSchema, refusedKeys } from './ops-schema.ts';
import { opsToProject } from './ops-to-project.ts';
import { parseMemoryMiB, parsePorts } from './ops-values.ts';
import { parseOpsConfig } from './parse-ops-config.ts';
import { projectToOps } from './project-to-ops.ts';

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

function convert(given: object) {
  const { config, at, problems } = parseOpsConfig(JSON.stringify(given), 'config.json');
  if (config === null) throw new Error(problems.map(({ message }) => message).join());
  return opsToProject(config, at, base);
}

describe('an ops config.json', () => {
  it('tells unknown keys with their places and the nearest known one', () => {
    expect(problemsOf('{\n  "Program": "x",\n  "Argz": [],\n  "RunConfig": { "Memmory": "2G" }\n}')).toEqual([
      '3:3 error Unknown key "Argz". Did you mean "Args"?',
      '4:18 error Unknown key "Memmory". Did you mean "Memory"?',
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

  it('has no key that is both used and said to be without effect', () => {
    const known = [
      ...Object.keys(opsConfigSchema.shape),
      ...Object.keys(opsConfigSchema.shape.RunConfig.unwrap().shape).map((key) => `RunConfig.${key}`),
    ];
    for (const key of [...Object.keys(ignoredKeys), ...Object.keys(refusedKeys)]) expect(known).toContain(key);
    const full = {
      Program: 'server',
      Args: ['a'],
      Env: { A: 'b' },
      Files: ['data.txt'],
      Dirs: ['web'],
      MapDirs: { 'web/*': '/srv' },
      NameServers: ['10.0.2.3'],
      NanosVersion: '0.1.54',
      Klibs: ['tls'],
      Mounts: { 'My Data': '/mnt' },
      NoTrace: ['read'],
      Debugflags: ['trace'],
      RebootOnExit: true,
      ManifestPassthrough: { readonly_rootfs: 't', exec_protection: true, mmap_min_addr: 4096 },
      RunConfig: {
        Memory: '512M',
        CPUs: 2,
        Ports: ['8080', '9000-9001'],
        UDPPorts: ['53'],
        Bridged: true,
        BridgeName: 'br0',
        IPAddress: '10.0.0.2',
        NetMask: '255.255.255.0',
        Gateway: '10.0.0.1',
      },
    };
    const { config, extraFiles, problems, missing } = convert(full);
    expect(missing).toEqual([]);
    expect(problems.map(({ severity }) => severity)).toEqual(['warning']);
    expect(extraFiles).toEqual({ 'resolv.conf': 'nameserver 10.0.2.3\n' });
    expect(config).toEqual({
      runtime: 'nanos',
      memoryMiB: 512,
      vcpus: 2,
      env: { A: 'b' },
      program: join(base, 'server'),
      args: ['a'],
      files: {
        '/data.txt': join(base, 'data.txt'),
        '/web': join(base, 'web'),
        '/srv': join(base, 'web'),
        '/etc/resolv.conf': 'resolv.conf',
      },
      port: 8080,
      ports: [{ guest: 9000 }, { guest: 9001 }, { guest: 53, udp: true }],
      volumes: { 'my-data': { mount: '/mnt' } },
      nanos: {
        release: '0.1.54',
        network: { kind: 'bridge', name: 'br0' },
        address: { ip: '10.0.0.2', netmask: '255.255.255.0', gateway: '10.0.0.1' },
        klibs: ['tls'],
        options: {
          trace: true,
          notrace: ['read'],
          reboot_on_exit: true,
          readonly_rootfs: true,
          exec_protection: true,
          mmap_min_addr: 4096,
        },
      },
    });
  });

  it('takes absolute paths from below TargetRoot where they are there', async () => {
    await mkdir(join(base, 'root/etc'), { recursive: true });
    await writeFile(join(base, 'root/etc/own.conf'), '');
    const { config, missing } = convert({
      Program: 'server',
      TargetRoot: 'root',
      Files: ['/etc/own.conf', '/nowhere/x'],
    });
    expect(config.files).toEqual({
      '/etc/own.conf': join(base, 'root/etc/own.conf'),
      '/nowhere/x': '/nowhere/x',
    });
    expect(missing).toEqual([{ name: '/nowhere/x', neededBy: 'Files' }]);
  });

  it('tells values that cannot be taken over at their places', () => {
    const errors = (given: object) =>
      convert(given).problems.flatMap(({ severity, message }) => (severity === 'error' ? [message] : []));
    expect(errors({ Program: 'x', Files: ['../../../../../../x'] })[0]).toContain('leads out of the image');
    expect(errors({ Program: 'x', MapDirs: { 'src/*.js': '/x' } })[0]).toContain('only a whole folder can');
    expect(errors({ Program: 'x', RunConfig: { Memory: 'much' } })[0]).toContain('512M or 2G');
    expect(errors({ Program: 'x', RunConfig: { Ports: ['http'] } })[0]).toContain('neither a port nor a range');
    expect(errors({ Program: 'x', RunConfig: { IPAddress: 'x' } })[0]).toContain('address.ip');
    expect(errors({ Program: 'x', Env: { 'a b': 'c' } })[0]).toContain('environment variable');
    expect(errors({ Env: {} })[0]).toContain('No "Program" is named');
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

describe('a Nanos project as an ops config.json', () => {
  const asProject = (config: object): Project => ({
    id: '0'.repeat(12) as ProjectId,
    dir: base,
    name: 'own',
    config: projectConfigSchema.parse({ name: 'own', runtime: 'nanos', memoryMiB: 256, ...config }),
    problems: [],
  });

  it('comes back as it was', () => {
    const given = {
      Program: join(base, 'server'),
      Args: ['a'],
      Env: { A: 'b' },
      MapDirs: { [`${join(base, 'web')}/*`]: '/srv' },
      Mounts: { data: '/mnt' },
      Klibs: ['tls'],
      NoTrace: ['read'],
      Debugflags: ['readonly_rootfs', 'trace'],
      RebootOnExit: true,
      ManifestPassthrough: { mmap_min_addr: 4096 },
      RunConfig: { Memory: '512M', CPUs: 2, Ports: ['8080', '9000'], UDPPorts: ['53'], IPAddress: '10.0.0.2' },
    };
    const { config, notes } = projectToOps(asProject(convert(given).config));
    expect(notes).toEqual([]);
    expect({ ...config, Debugflags: [...(config.Debugflags ?? [])].sort() }).toEqual(given);
    expect(parseOpsConfig(JSON.stringify(config), 'config.json').problems).toEqual([]);
  });

  it('says what has no place there, and refuses what ops cannot run', () => {
    const files = { '/etc/other': 'data.txt' };
    const { notes } = projectToOps(
      asProject({ program: 'server', hostPort: 8080, files, nanos: { network: { kind: 'none' } } }),
    );
    expect(notes).toHaveLength(3);
    expect(() => projectToOps(asProject({}))).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    expect(() => projectToOps(asProject({ runtime: 'ember' }))).toThrow(/its runtime is ember/);
  });
});

describe('an ops package', () => {
  const manifest = {
    Program: 'lua_5.2.4/lua',
    Args: ['lua', '-v'],
    Version: '5.2.4',
    Env: { A: 'b' },
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
      run: { program: '/lua', args: ['-v'], env: { A: 'b' }, port: 9000 },
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
    await expect(open(join(base, 'web'))).rejects.toThrow(/no ops package/);
    await expect(open(join(base, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const tarball = join(base, 'other.tar');
    await run('tar', ['-C', base, '-cf', tarball, 'web']);
    await expect(open(tarball)).rejects.toThrow(/no ops package/);
  });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ignoredKeys, opsConfigSchema, refusedKeys } from '#core/programs/ops/ops-schema.ts';
import { parseOpsConfig } from '#core/programs/ops/parse-ops-config.ts';
import { type Project, projectConfigSchema } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { opsToProject } from './ops-to-project.ts';
import { projectToOps } from './project-to-ops.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fl-ops-'));
  await mkdir(join(base, 'web'));
  await writeFile(join(base, 'data.txt'), 'data');
  await writeFile(join(base, 'server'), 'program');
});
afterAll(() => rm(base, { recursive: true, force: true }));

function convert(given: object) {
  const { config, at, problems } = parseOpsConfig(JSON.stringify(given), 'config.json');
  if (config === null) throw new Error(problems.map(({ message }) => message).join());
  return opsToProject(config, at, base);
}

describe('an ops config.json as a project', () => {
  it('has no key that is both used and said to be without effect', () => {
    const known = [
      ...Object.keys(opsConfigSchema.shape),
      ...Object.keys(opsConfigSchema.shape.RunConfig.unwrap().shape).map((key) => `RunConfig.${key}`),
    ];
    for (const key of [...Object.keys(ignoredKeys), ...Object.keys(refusedKeys)]) expect(known).toContain(key);
    const full = {
      Program: 'server',
      Args: ['a'],
      Env: { A: 'b', 'a.b-c': 'd' },
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
      env: { A: 'b', 'a.b-c': 'd' },
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

  it('reports values that cannot be converted at their places', () => {
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
});

describe('a Nanos project as an ops config.json', () => {
  const asProject = (config: object): Project => ({
    id: '0'.repeat(12) as ProjectId,
    dir: base,
    name: 'own',
    config: projectConfigSchema.parse({ name: 'own', runtime: 'nanos', memoryMiB: 256, ...config }),
    problems: [],
    trusted: true,
    asks: [],
  });

  /** A firstlight.json as its parsed configuration. */
  const ownSection = ({ nanos, ...config }: { readonly nanos?: object }) => ({ ...config, runtimeOptions: nanos });

  it('comes back as it was', () => {
    const given = {
      Program: join(base, 'server'),
      Args: ['a'],
      Env: { A: 'b', 'a.b-c': 'd' },
      MapDirs: { [`${join(base, 'web')}/*`]: '/srv' },
      Mounts: { data: '/mnt' },
      Klibs: ['tls'],
      NoTrace: ['read'],
      Debugflags: ['readonly_rootfs', 'trace'],
      RebootOnExit: true,
      ManifestPassthrough: { mmap_min_addr: 4096 },
      RunConfig: { Memory: '512M', CPUs: 2, Ports: ['8080', '9000'], UDPPorts: ['53'], IPAddress: '10.0.0.2' },
    };
    const { config, notes } = projectToOps(asProject(ownSection(convert(given).config)));
    expect(notes).toEqual([]);
    expect({ ...config, Debugflags: [...(config.Debugflags ?? [])].sort() }).toEqual(given);
    expect(parseOpsConfig(JSON.stringify(config), 'config.json').problems).toEqual([]);
  });

  it('says what has no place there, and refuses what ops cannot run', () => {
    const files = { '/etc/other': 'data.txt' };
    const { notes } = projectToOps(
      asProject({ program: 'server', hostPort: 8080, files, runtimeOptions: { network: { kind: 'none' } } }),
    );
    expect(notes).toHaveLength(3);
    expect(() => projectToOps(asProject({}))).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    expect(() => projectToOps(asProject({ runtime: 'ember' }))).toThrow(/its runtime is ember/);
  });
});

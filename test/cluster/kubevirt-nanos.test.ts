/**
 * A function on Nanos as virtual machines of KubeVirt: its objects by KubeVirt's schema, and the disk in its image, booted as
 * KubeVirt boots it. kubevirt.test.ts has the rollout of such objects.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { missingPrograms } from '../../packages/oci/src/testing/start-registry.ts';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { installKubevirtKinds } from './kubevirt/crds.mjs';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const lacking = missingPrograms('skopeo', 'umoci');
const reason =
  nanosDir === undefined
    ? 'FIRSTLIGHT_NANOS_DIR names no build of Nanos'
    : (whyNot() ?? whyNoTestCluster() ?? whyNotOwn() ?? (lacking.length > 0 ? `no ${lacking.join(', ')}` : null));

describe.skipIf(reason !== null)(`Nanos on KubeVirt${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const source = 'export default ({ path }) => ({ path, stage: process.env.STAGE });';
  const config = { runtime: 'nanos', memoryMiB: 256, deploy: { env: { STAGE: 'lab' } } };
  let open: OpenTarget;
  let projectId: string;
  let machine: ChildProcess | undefined;
  const call: OpenTarget['studio']['client']['call'] = (...args) => open.studio.client.call(...args);
  const configure = (keys: object) =>
    writeFileSync(join(home, 'p/greet/firstlight.json'), JSON.stringify({ name: 'greet', ...config, ...keys }));

  beforeAll(async () => {
    open = await openTarget(home);
    await installKubevirtKinds(open.cluster.kubectl, home);
    await call('kernels:install', { runtime: 'nanos', from: nanosDir ?? '' });
    const [target] = await call('targets:list', {});
    if (target?.kind !== 'kubernetes') throw new Error('There is no target.');
    await call('targets:add', { ...target, name: 'vms', engine: 'kubevirt' });
    projectId = (await open.studio.project('greet', source, config)).id;
  });
  afterAll(async () => {
    machine?.kill('SIGKILL');
    await open?.close();
    removeHome(home);
  });

  it('is refused by name what a machine there cannot have', async () => {
    const preview = () => call('deploy:preview', { projectId, target: 'vms' });
    configure({ deploy: { secrets: { A: { env: 'HOME' } } } });
    await expect(preview()).rejects.toMatchObject({ message: /cannot be given secrets/ });
    configure({ ports: [{ guest: 9000 }] });
    await expect(preview()).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED', message: /further "ports"/ });
    configure({});
  });

  it('has objects that are valid by the schema, with the disk in their image', async () => {
    const { yaml } = await call('deploy:preview', { projectId, target: 'vms' });
    expect(yaml).not.toMatch(/kernelBoot/);
    const strict = join(home, 'strict.yaml');
    writeFileSync(strict, yaml);
    const apply = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', strict];
    await open.cluster.kubectl(...apply);
    writeFileSync(strict, yaml.replace('containerDisk:', 'containerDisks:'));
    await expect(open.cluster.kubectl(...apply)).rejects.toThrow(/unknown field|containerDisks/);
  });

  it('boots from the disk in its image, takes the address of its machine, and is the same image again', async () => {
    const manifests = (format: 'yaml' | 'helm') => call('deploy:manifests', { projectId, target: 'vms', format });
    const { image, files } = await manifests('yaml');
    const yaml = files.map(({ text }) => text).join('');
    expect(yaml).toContain('path: /disk/root.img');
    const chart = await manifests('helm');
    expect(chart.image).toBe(image);
    expect(chart.files.map(({ text }) => text).join('')).toMatch(/image: \{\{ \.Values\.image \| quote \}\}/);

    const { caPath, user, password } = open.cluster.registry;
    const certs = join(home, 'certs');
    mkdirSync(certs);
    execFileSync('cp', [caPath ?? '', join(certs, 'ca.crt')]);
    const layout = join(home, 'layout');
    const from = ['--src-cert-dir', certs, '--src-creds', `${user}:${password}`, `docker://${image}`];
    // Without blocking this process, which forwards the registry's port.
    await run('skopeo', ['copy', '-q', ...from, `oci:${layout}:greet`]);
    execFileSync('umoci', ['unpack', '--image', `${layout}:greet`, join(home, 'bundle')]);
    const disk = join(home, 'bundle/rootfs/disk/root.img');
    expect(readdirSync(join(home, 'bundle/rootfs'))).toEqual(['disk']);
    expect(execFileSync('stat', ['-c', '%u:%g %a', disk], { encoding: 'utf8' }).trim()).toBe('107:107 440');

    const port = await freePort();
    const forward = `hostfwd=tcp:127.0.0.1:${port}-10.0.2.2:8080`;
    machine = spawn(
      'qemu-system-x86_64',
      [
        ...['-machine', 'q35', '-accel', 'tcg', '-m', '256', '-nodefaults', '-nographic', '-serial', 'stdio'],
        ...['-device', 'pcie-root-port,id=rp1,chassis=1,slot=1', '-device', 'pcie-root-port,id=rp2,chassis=2,slot=2'],
        ...['-drive', `file=${disk},format=raw,if=none,id=root,snapshot=on`],
        ...['-device', 'virtio-blk-pci-non-transitional,drive=root,bus=rp1,bootindex=1'],
        ...['-netdev', `user,id=net0,restrict=on,net=10.0.2.0/24,host=10.0.2.1,dhcpstart=10.0.2.2,${forward}`],
        ...['-device', 'virtio-net-pci-non-transitional,netdev=net0,romfile=,bus=rp2', '-device', 'virtio-rng-pci'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    machine.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await vi.waitFor(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/there`).catch((thrown: unknown) => {
          throw new Error(`No answer (${String(thrown)}); it said: ${said}`);
        });
        expect([answer.status, await answer.json()]).toEqual([200, { path: '/there', stage: 'lab' }]);
      },
      { timeout: 90_000, interval: 500 },
    );
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** Errors: throws with what the program printed. */
async function run(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${words}`);
}

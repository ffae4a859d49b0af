/** The image of a unikernel for urunc, as container tools read it, and its kernel as urunc starts it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { findLwip } from '../../build/lwip.mjs';
import { missingPrograms, startRegistry } from '../../packages/oci/src/testing/start-registry.ts';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from './studio.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const lacking = missingPrograms('docker-registry', 'skopeo', 'umoci');
const noNetwork = findLwip() === null ? 'the source of lwIP is not there: node build/lwip.mjs' : null;
const reason = whyNot() ?? noNetwork ?? (lacking.length > 0 ? `no ${lacking.join(', ')}` : null);

/** A kubeconfig that is enough for a target: no request is sent to its cluster. */
const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'none',
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'none', user: {} }],
};

describe.skipIf(reason !== null)(`an image for urunc${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const bundle = join(home, 'bundle');
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let studio: Studio;
  let project: Project;
  let machine: ChildProcess | undefined;

  const settings = (more: object) =>
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', ...more }));
  const manifests = () =>
    studio.client.call('deploy:manifests', { projectId: project.id, target: 'nodes', format: 'yaml' });

  beforeAll(async () => {
    registry = await startRegistry(join(home, 'registry'));
    writeFileSync(join(home, 'kubeconfig'), JSON.stringify(kubeconfig));
    studio = await openStudio({ home });
    await studio.client.call('targets:add', {
      name: 'nodes',
      kind: 'kubernetes',
      kubeconfig: join(home, 'kubeconfig'),
      registry: `${registry.host}/team`,
      engine: 'runtimeclass:urunc',
    });
    project = await studio.project('greet', 'export default ({ path }) => ({ at: path });');
  });
  afterAll(async () => {
    machine?.kill('SIGKILL');
    await studio?.close();
    await registry?.stop();
    removeHome(home);
  });

  it('is refused by name for what urunc cannot do', async () => {
    await expect(manifests()).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED', hint: /"ports"/ });
    settings({ ports: [{ guest: 8080 }], deploy: { secrets: { A: { secret: 's', key: 'k' } } } });
    await expect(manifests()).rejects.toMatchObject({
      code: 'MACHINE_UNSUPPORTED',
      message: /cannot be given secrets/,
    });
  });

  it('has urunc’s keys as annotations and in its file, and its pod the port of the guest', async () => {
    settings({ ports: [{ guest: 8080 }] });
    const { files, image: reference } = await manifests();
    const yaml = files.map(({ text }) => text).join('');
    expect(yaml).toMatch(/runtimeClassName: urunc/);
    expect(yaml).toMatch(/containerPort: 8080/);
    const layout = join(home, 'layout');
    mkdirSync(layout);
    execFileSync('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${reference}`, `oci:${layout}:greet`]);
    execFileSync('umoci', ['unpack', '--rootless', '--image', `${layout}:greet`, bundle]);
    const inFile = JSON.parse(readFileSync(join(bundle, 'rootfs/urunc.json'), 'utf8'));
    const raw = execFileSync('skopeo', ['inspect', '--raw', `oci:${layout}:greet`], { encoding: 'utf8' });
    expect(JSON.parse(raw).annotations).toMatchObject(inFile);
    const decoded = Object.fromEntries(
      Object.entries(inFile).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]),
    );
    expect(decoded).toEqual({
      'com.urunc.unikernel.unikernelType': 'linux',
      'com.urunc.unikernel.unikernelVersion': '',
      'com.urunc.unikernel.hypervisor': 'qemu',
      'com.urunc.unikernel.binary': '/boot/kernel',
      'com.urunc.unikernel.cmdline': 'ember firstlight.alone',
      'com.urunc.unikernel.mountRootfs': 'false',
      'com.urunc.unikernel.useDMBlock': 'false',
    });
    // Kubernetes starts no container without arguments, and urunc gives them to the guest.
    const { process } = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    expect(process.args).toEqual(['ember', 'firstlight.alone']);
    expect(existsSync(join(bundle, 'rootfs/boot/kernel'))).toBe(true);
  });

  it('answers in the machine that urunc makes of it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    server.close();
    const port = typeof address === 'object' ? address?.port : 0;
    // As urunc 0.5 starts QEMU for its kind `linux`, but for KVM and the network's other end.
    const given = 'ip=10.0.2.77::10.0.2.2:255.255.255.0:urunc:eth0:off';
    machine = spawn('qemu-system-x86_64', [
      ...['-m', '136M', '-cpu', 'max', '-nographic', '-vga', 'none', '-kernel', join(bundle, 'rootfs/boot/kernel')],
      ...['-net', 'nic,model=virtio', '-net', `user,restrict=on,hostfwd=tcp:127.0.0.1:${port}-10.0.2.77:8080`],
      ...['-no-reboot', '-serial', 'stdio', '-nodefaults'],
      ...['-append', `panic=-1 console=ttyS0 ${given} PATH=/bin init=ember -- firstlight.alone`],
    ]);
    await vi.waitFor(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/there`);
        expect([answer.status, await answer.json()]).toEqual([200, { at: '/there' }]);
      },
      { timeout: 60_000, interval: 200 },
    );
  });
});

/**
 * A function as virtual machines of KubeVirt, as far as a cluster without KubeVirt shows it: its kinds are installed, the
 * API server validates the objects by KubeVirt's schema, and these tests write the statuses that its controller would.
 * guest/test/network.test.ts boots such a guest as KubeVirt does.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { findLwip } from '../../build/lwip.mjs';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { whyNoCluster } from './cluster.mjs';
import { installKubevirtKinds } from './kubevirt/crds.mjs';
import { type OpenTarget, openTarget } from './open-target.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const noNetwork = findLwip() === null ? 'the source of lwIP is not there: node build/lwip.mjs' : null;
const reason = whyNot() ?? whyNoCluster() ?? noNetwork;

const sets = 'virtualmachineinstancereplicasets';

describe.skipIf(reason !== null)(`KubeVirt's kinds${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const of = { target: 'vms', name: 'greet' };
  let open: OpenTarget;
  let project: Project;

  const get = async (object: string) => JSON.parse(await open.cluster.kubectl('get', object, '-o', 'json'));
  const patchStatus = (set: string, status: object) =>
    open.cluster.kubectl('patch', sets, set, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  /** What KubeVirt's controller would write, once the set is there. */
  const report = (set: string, status: object) =>
    vi.waitFor(async () => await patchStatus(set, status), { timeout: 60_000, interval: 200 });
  /** The same for machines that are ready; the pod that stands for them has their labels. */
  async function reportReady(revision: number) {
    await open.cluster.kubectl(
      'label',
      'pod/virt-launcher-greet',
      `firstlight.dev/revision=${revision}`,
      '--overwrite',
    );
    await report(`greet-r${revision}`, { replicas: 1, readyReplicas: 1 });
  }
  const deploy = () => {
    const under = open.studio.client.call('deploy:start', { projectId: project.id, target: 'vms' });
    // It may fail while a status is being written; whoever waits for it gets the failure.
    under.catch(() => undefined);
    return under;
  };
  const edit = (word: string, config: object = { ports: [{ guest: 8080 }] }) => {
    writeFileSync(join(project.dir, 'handler.ts'), `export default () => ({ word: '${word}' });`);
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', ...config }));
  };

  /** A pod that serves in place of the one that KubeVirt makes for a machine. */
  async function startStandIn() {
    const stand = await open.studio.project('stand', "export default ({ path }) => (console.log('at ' + path), path);");
    await open.studio.client.call('deploy:start', { projectId: stand.id, target: 'test' });
    const { spec } = (await get('deployment/stand')).spec.template;
    const labels = {
      ...{ 'app.kubernetes.io/name': 'greet', 'app.kubernetes.io/managed-by': 'firstlight' },
      'kubevirt.io': 'virt-launcher',
    };
    const containers = [{ ...spec.containers[0], name: 'guest-console-log' }];
    const metadata = { name: 'virt-launcher-greet', labels };
    const path = join(home, 'stand-in.json');
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, containers } }));
    await open.cluster.kubectl('apply', '-f', path);
    await open.cluster.kubectl('wait', '--for=condition=Ready', 'pod/virt-launcher-greet', '--timeout=120s');
    await open.studio.client.call('deploy:remove', { target: 'test', name: 'stand' });
  }

  beforeAll(async () => {
    open = await openTarget(home);
    await startStandIn();
    project = await open.studio.project('greet', 'export default () => ({ word: "one" });');
    const [target] = await open.studio.client.call('targets:list', {});
    if (target?.kind !== 'kubernetes') throw new Error('There is no target.');
    await open.studio.client.call('targets:add', { ...target, name: 'vms', engine: 'kubevirt' });
  });
  afterAll(async () => {
    await open?.close();
    removeHome(home);
  });

  it('are missed by name where they are not installed', async () => {
    edit('one');
    const checks = await open.studio.client.call('targets:test', { target: 'vms' });
    expect(checks.find(({ id }) => id === 'kubevirt')).toMatchObject({ status: 'failed', found: /no kubevirt\.io/ });
    await expect(deploy()).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED', message: /has no KubeVirt/ });
    await installKubevirtKinds(open.cluster.kubectl, home);
    await vi.waitFor(
      async () => {
        const later = await open.studio.client.call('targets:test', { target: 'vms' });
        expect(later.find(({ id }) => id === 'kubevirt')).toMatchObject({ status: 'ok' });
      },
      { timeout: 60_000, interval: 1000 },
    );
  });

  it('are refused what they cannot have', async () => {
    edit('one', {});
    await expect(deploy()).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED', hint: /"ports"/ });
    const ports = [{ guest: 8080 }];
    edit('one', { ports, deploy: { workload: 'knative' } });
    await expect(deploy()).rejects.toMatchObject({ code: 'BAD_INPUT', message: /Knative/ });
    edit('one', { ports, deploy: { autoscale: { max: 3 } } });
    await expect(deploy()).rejects.toMatchObject({ code: 'BAD_INPUT', hint: /"replicas"/ });
    edit('one', { ports, deploy: { secrets: { A: { env: 'HOME' } } } });
    await expect(deploy()).rejects.toMatchObject({ message: expect.stringMatching(/secret/) });
    edit('one');
  });

  it('are shown beforehand, and valid by the schema: nothing of them is dropped', async () => {
    const preview = await open.studio.client.call('deploy:preview', { projectId: project.id, target: 'vms' });
    expect(preview.yaml).toMatch(/kind: VirtualMachineInstanceReplicaSet[\s\S]*---[\s\S]*kind: Service/);
    const strict = join(home, 'strict.yaml');
    writeFileSync(strict, preview.yaml);
    await open.cluster.kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', strict);
    // Strict it is: a wrong name is refused.
    writeFileSync(strict, preview.yaml.replace('kernelArgs:', 'kernelArguments:'));
    const refused = open.cluster.kubectl(
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '-f',
      strict,
    );
    await expect(refused).rejects.toThrow(/unknown field|kernelArguments/);
    expect(await open.studio.client.call('deploy:list', { target: 'vms' })).toEqual([]);
  });

  it('run a function: the Service leads to machines that are ready', async () => {
    const [done] = await Promise.all([deploy(), reportReady(1)]);
    expect(done.answer).toMatchObject({ status: 200 });
    expect(done.steps.map(({ name }) => name)).toEqual(['build', 'image', 'push', 'apply', 'rollout', 'call']);
    expect(done.revision).toBe(1);
    expect(await get('service/greet')).toMatchObject({
      spec: { selector: { 'firstlight.dev/revision': '1' }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    const set = await get(`${sets}/greet-r1`);
    const { kernelBoot } = set.spec.template.spec.domain.firmware;
    expect(kernelBoot).toMatchObject({
      kernelArgs: 'firstlight.alone',
      container: { image: done.image, kernelPath: '/boot/kernel', imagePullSecret: 'pull' },
    });
    expect(await open.studio.client.call('deploy:get', of)).toMatchObject({
      workload: 'kubevirt',
      state: 'ready',
      revision: 1,
      runtime: 'ember',
      image: done.image,
    });
  });

  it('answer through the Service, and print to their log', async () => {
    const answer = await open.studio.client.call('deploy:invoke', { ...of, method: 'GET', path: '/there', body: null });
    expect(JSON.parse(answer.body)).toBe('/there');
    expect(await open.logOf('greet', 'vms')).toContain('at /there');
  });

  it('have a new revision in a set of its own, and go back', async () => {
    edit('two');
    const under = deploy();
    await report('greet-r2', { replicas: 1, readyReplicas: 0 });
    // The Service stays where it is until the new machine is ready.
    expect((await get('service/greet')).spec.selector['firstlight.dev/revision']).toBe('1');
    await reportReady(2);
    expect((await under).revision).toBe(2);
    expect((await get('service/greet')).spec.selector['firstlight.dev/revision']).toBe('2');
    expect((await get(`${sets}/greet-r1`)).spec.replicas).toBe(0);

    const history = await open.studio.client.call('deploy:history', of);
    expect(history.map(({ revision, isCurrent }) => [revision, isCurrent])).toEqual([
      [2, true],
      [1, false],
    ]);
    const refused = open.studio.client.call('deploy:rollback', { ...of, revision: 2 });
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
    const [back] = await Promise.all([open.studio.client.call('deploy:rollback', of), reportReady(3)]);
    expect(back).toMatchObject({ revision: 3, image: history[1]?.image });
    expect((await get('service/greet')).spec.selector['firstlight.dev/revision']).toBe('3');
    expect((await get(`${sets}/greet-r2`)).spec.replicas).toBe(0);
  });

  it('say why a machine does not start, and leave what runs', async () => {
    edit('three');
    const under = deploy().catch((thrown: unknown) => thrown);
    const conditions = [
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: vms' },
    ];
    await report('greet-r4', { replicas: 0, readyReplicas: 0, conditions });
    expect(await under).toMatchObject({ code: 'DEPLOY_FAILED', message: /exceeded quota: vms/, hint: /revision 3/ });
    await expect(get(`${sets}/greet-r4`)).rejects.toThrow(/not found/);
    expect((await get('service/greet')).spec.selector['firstlight.dev/revision']).toBe('3');
  });

  it('are scaled, and not paused; other engines leave them alone', async () => {
    expect(await open.studio.client.call('deploy:scale', { ...of, replicas: 2 })).toMatchObject({
      replicas: { wanted: 2 },
      state: 'progressing',
    });
    const pausing = open.studio.client.call('deploy:pause', { ...of, paused: true });
    await expect(pausing).rejects.toMatchObject({ code: 'CONFLICT', message: /KubeVirt/ });
    const other = open.studio.client.call('deploy:start', { projectId: project.id, target: 'test' });
    await expect(other).rejects.toMatchObject({ code: 'CONFLICT', message: /KubeVirt/ });
  });

  it('are seen by who follows the list, and taken away', async () => {
    let list = '';
    const stream = open.studio.client.openStream('deploy:watch', { target: 'vms' }, (chunk) => {
      list += Buffer.from(chunk).toString('utf8');
    });
    await vi.waitFor(() => expect(list).toContain('"workload":"kubevirt"'), { timeout: 60_000 });
    await open.studio.client.call('deploy:remove', of);
    await vi.waitFor(() => expect(list.trim().split('\n').at(-1)).toBe('[]'), { timeout: 60_000 });
    stream.close();
    await expect(get('service/greet')).rejects.toThrow(/not found/);
    expect(JSON.parse(await open.cluster.kubectl('get', sets, '-o', 'json')).items).toEqual([]);
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from '../integration/studio.ts';
import { startTestCluster, type TestCluster, whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster();
const ownOnly = whyNotOwn();
const ofOwn = (title: string) => (ownOnly === null ? title : `${title} (skipped: ${ownOnly})`);

/** The kind HTTPRoute as far as the API server must know it: any fields. */
const httpRoutes = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'httproutes.gateway.networking.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
  },
  spec: {
    group: 'gateway.networking.k8s.io',
    names: { kind: 'HTTPRoute', plural: 'httproutes', singular: 'httproute' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

describe.skipIf(reason !== null)(`a real cluster${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let cluster: TestCluster;
  let studio: Studio;
  let project: Project;
  const of = { target: 'test', name: 'greet' };
  const source = (word: string) =>
    `export default (event) => { console.log('called ' + event.path); return { word: '${word}', path: event.path, body: event.body }; };`;
  const deploy = (more: { replicas?: number; profile?: string } = {}) =>
    studio.client.call('deploy:start', { projectId: project.id, target: 'test', ...more });
  const edit = (word: string) => writeFileSync(join(project.dir, 'handler.ts'), source(word));

  beforeAll(async () => {
    cluster = await startTestCluster();
    const docker = join(home, 'docker');
    mkdirSync(docker, { recursive: true });
    const { host, repository, auth, user, password, caPath } = cluster.registry;
    writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    studio = await openStudio({
      home,
      env: { ...process.env, DOCKER_CONFIG: docker, FL_STAGE: 'the lab', FL_KEY: 'secret key' },
      // A node may not know the Secret yet with which its first pod is pulled: it pulls again after 10 s.
      rolloutGraceMs: 25_000,
    });
    project = await studio.project('greet', source('one'));
    await studio.client.call('targets:add', {
      name: 'test',
      kind: 'kubernetes',
      kubeconfig: cluster.kubeconfig,
      registry: repository,
      ...(caPath !== null && { registryCa: caPath }),
      pullSecret: 'pull',
    });
    const before = await studio.client.call('targets:test', { target: 'test' });
    expect(before.find(({ id }) => id === 'pull')).toMatchObject({ status: 'failed', fix: /create secret/ });
    await expect(deploy()).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('create secret') });
    const secret = ['create', 'secret', 'docker-registry', 'pull', `--docker-server=${host}`];
    await cluster.kubectl(...secret, `--docker-username=${user}`, `--docker-password=${password}`);
  });
  afterAll(async () => {
    await studio?.close();
    await cluster?.stop();
    removeHome(home);
  });

  it('is found fit to deploy to', async () => {
    const checks = await studio.client.call('targets:test', { target: 'test' });
    expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(checks.find(({ id }) => id === 'reach')?.found).toMatch(/Kubernetes v1\.34/);
    expect(checks.find(({ id }) => id === 'kvm')?.status).toMatch(ownOnly === null ? /^warning$/ : /^(?:ok|warning)$/);
    expect(checks.find(({ id }) => id === 'pull')).toMatchObject({ status: 'ok', found: /seen with a pod/ });
    expect(checks.find(({ id }) => id === 'autoscale')).toMatchObject({ status: 'warning', found: /measures no pods/ });
    expect(await cluster.kubectl('get', 'pods', '-o', 'name')).toBe('');
  });

  it('is found unfit when its nodes cannot pull, in their words', async () => {
    await cluster.kubectl('create', 'secret', 'docker-registry', 'wrong', '--docker-username=a', '--docker-password=b');
    const targets = await studio.client.call('targets:list', {});
    const [target] = targets;
    if (target?.kind !== 'kubernetes') throw new Error('There is no target.');
    await studio.client.call('targets:add', { ...target, name: 'wrong', pullSecret: 'wrong' });
    const checks = await studio.client.call('targets:test', { target: 'wrong' });
    const words = { status: 'failed', found: /cannot pull from .*(401|unauthorized|authentication|credentials)/i };
    expect(checks.find(({ id }) => id === 'pull')).toMatchObject(words);
    expect(await cluster.kubectl('get', 'pods', '-o', 'name')).toBe('');
    await studio.client.call('targets:remove', { target: 'wrong' });
  });

  it('runs a function: built, pushed, applied, watched, called', async () => {
    const progress: string[] = [];
    const done = await studio.client.call(
      'deploy:start',
      { projectId: project.id, target: 'test' },
      { onProgress: ({ step }) => progress.push(step) },
    );
    expect(done.steps.map(({ name }) => name)).toEqual(['build', 'image', 'push', 'apply', 'rollout', 'call']);
    expect(progress).toEqual(expect.arrayContaining(['build', 'push', 'rollout', 'call']));
    expect(done.answer).toMatchObject({ status: 200 });
    expect(JSON.parse(done.answer?.body ?? '')).toMatchObject({ word: 'one', path: '/' });
    expect(done.image).toContain('@sha256:');
    expect(await studio.client.call('deploy:get', of)).toMatchObject({ state: 'ready', revision: 1, runtime: 'ember' });
  });

  it('answers what is asked of it, and shows what it prints', async () => {
    const answer = await studio.client.call('deploy:invoke', { ...of, method: 'POST', path: '/a?b=c', body: '[1]' });
    expect(JSON.parse(answer.body)).toMatchObject({ path: '/a', body: [1] });
    let log = '';
    const stream = studio.client.openStream('deploy:logs', { ...of, follow: false }, (chunk) => {
      log += Buffer.from(chunk).toString('utf8');
    });
    await stream.ended;
    expect(log).toContain('called /a');
    expect(log).toMatch(ownOnly === null ? /the guest runs emulated/ : /the guest runs/);
  });

  it('tells where the time of its cold start went', async () => {
    const start = await studio.client.call('deploy:coldStart', of);
    expect(start.accel).toMatch(ownOnly === null ? /^tcg$/ : /^(?:kvm|tcg)$/);
    expect(start.phases.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['schedule', 'pull', 'start', 'vmm', 'firmware', 'kernel', 'runtime', 'answer']),
    );
    for (const [index, phase] of start.phases.entries()) {
      expect(phase.startMs).toBe(start.phases[index - 1]?.endMs ?? 0);
      expect(phase.boundMs).toBeGreaterThan(0);
    }
  });

  it.skipIf(ownOnly !== null)(ofOwn('has its memory measured, here by the kubelet'), async () => {
    // The kubelet measures every ten to fifteen seconds.
    await vi.waitFor(
      async () => {
        const [stats, ...others] = await studio.client.call('deploy:stats', of);
        expect(others).toEqual([]);
        expect(stats).toMatchObject({ name: expect.stringMatching(/^greet-/), source: 'kubelet', restarts: 0 });
        expect(stats?.memoryBytes).toBeGreaterThan(10 << 20);
        expect(stats?.cpuPercent).toBeGreaterThanOrEqual(0);
      },
      { timeout: 90_000, interval: 1000 },
    );
  });

  it('has the console of its pod from the first byte on, live, until the pod is gone', async () => {
    let text = '';
    const stream = studio.client.openStream('deploy:console', of, (chunk) => {
      text += Buffer.from(chunk).toString('utf8');
    });
    await vi.waitFor(() => expect(text).toContain('called /a'), { timeout: 60_000, interval: 200 });
    expect(text).toMatch(/^firstlight: /);
    await studio.client.call('deploy:invoke', { ...of, path: '/later' });
    await vi.waitFor(() => expect(text).toContain('called /later'), { timeout: 60_000, interval: 200 });
    const [pod = ''] = (await cluster.kubectl('get', 'pods', '--output=name')).trim().split('\n');
    await cluster.kubectl('delete', pod);
    await stream.ended;
    const name = pod.replace('pod/', '');
    expect(text).toMatch(new RegExp(`\\(${name} (?:ended \\(.+\\)|is gone)\\)\n$`));
    expect(text.match(/called \/later/g)).toHaveLength(1);
    await vi.waitFor(async () => expect(await studio.client.call('deploy:get', of)).toMatchObject({ state: 'ready' }), {
      timeout: 60_000,
      interval: 300,
    });
  });

  it('gets only the function after an edit, goes back, and scales', async () => {
    edit('two');
    const second = await deploy();
    expect(JSON.parse(second.answer?.body ?? '')).toMatchObject({ word: 'two' });
    expect(second.pushedBytes).toBeLessThan(2_000_000);
    expect(second.revision).toBe(2);
    const history = await studio.client.call('deploy:history', of);
    expect(history.map(({ revision, isCurrent }) => [revision, isCurrent])).toEqual([
      [2, true],
      [1, false],
    ]);
    await expect(studio.client.call('deploy:rollback', { ...of, revision: 2 })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await studio.client.call('deploy:rollback', of);
    await vi.waitFor(
      async () => {
        expect((await studio.client.call('deploy:get', of)).state).toBe('ready');
        const { body } = await studio.client.call('deploy:invoke', of);
        expect(JSON.parse(body)).toMatchObject({ word: 'one' });
      },
      { timeout: 90_000, interval: 500 },
    );
    await studio.client.call('deploy:scale', { ...of, replicas: 0 });
    await vi.waitFor(async () => expect((await studio.client.call('deploy:get', of)).state).toBe('stopped'), 30_000);
    await studio.client.call('deploy:scale', { ...of, replicas: 1 });
  });

  it('makes no new pods for what runs already', async () => {
    edit('one');
    await vi.waitFor(async () => expect((await studio.client.call('deploy:get', of)).state).toBe('ready'), 60_000);
    const before = await studio.client.call('deploy:get', of);
    const again = await deploy({ replicas: 1 });
    expect(again.revision).toBe(before.revision);
    expect((await studio.client.call('deploy:get', of)).deployedAt).toBe(before.deployedAt);
  });

  it('leaves a number of replicas alone that someone else has set', async () => {
    await cluster.kubectl('scale', 'deployment/greet', '--replicas=2');
    await expect(deploy({ replicas: 3 })).rejects.toMatchObject({ code: 'CONFLICT', message: /replicas/ });
    edit('three');
    await deploy();
    expect((await studio.client.call('deploy:get', of)).replicas.wanted).toBe(2);
  });

  it('says in its own words why a deploy fails, and goes back', async () => {
    await cluster.kubectl('create', 'quota', 'small', '--hard=pods=2');
    edit('four');
    const failure = await deploy().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'DEPLOY_FAILED', message: /exceeded quota/, hint: /went back to revision/ });
    await cluster.kubectl('delete', 'quota', 'small');
    const { body } = await studio.client.call('deploy:invoke', of);
    expect(JSON.parse(body)).toMatchObject({ word: 'three' });
  });

  it('rolls nothing out of a function that is paused', async () => {
    expect((await studio.client.call('deploy:pause', { ...of, paused: true })).state).toBe('paused');
    const refused = { code: 'CONFLICT', message: /is paused/, hint: /deploy resume/ };
    await expect(deploy()).rejects.toMatchObject(refused);
    await expect(studio.client.call('deploy:rollback', of)).rejects.toMatchObject(refused);
    await studio.client.call('deploy:pause', { ...of, paused: false });
    await vi.waitFor(async () => expect((await studio.client.call('deploy:get', of)).state).toBe('ready'), 60_000);
  });

  it('shows beforehand what a deploy would change', async () => {
    edit('five');
    const preview = await studio.client.call('deploy:preview', { projectId: project.id, target: 'test' });
    expect(preview.yaml).toMatch(/kind: Deployment[\s\S]*---[\s\S]*kind: Service/);
    const changed = preview.after.split('\n').filter((line) => !preview.before.includes(line));
    expect(changed.join('\n')).toMatch(/image: .*@sha256/);
    expect((await studio.client.call('deploy:history', of)).some(({ image }) => preview.yaml.includes(image))).toBe(
      false,
    );
  });

  it('is asked for one deploy of a function at a time', async () => {
    const both = await Promise.allSettled([deploy(), deploy()]);
    const refused = both.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'CONFLICT', message: /being deployed or changed already/ });
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
  });

  it('has its arguments, and others by the manifest alone', async () => {
    const config = { name: 'greet', args: ['--own', '$(HOME)'], deploy: { profiles: { loud: { args: ['--loud'] } } } };
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify(config));
    writeFileSync(join(project.dir, 'handler.ts'), 'export default () => process.argv.slice(2);');
    const plain = await deploy();
    expect(JSON.parse(plain.answer?.body ?? '')).toEqual(['--own', '$(HOME)']);
    const loud = await deploy({ profile: 'loud' });
    expect(JSON.parse(loud.answer?.body ?? '')).toEqual(['--loud']);
    expect(loud.image).toBe(plain.image);
    await studio.client.call('deploy:rollback', of);
    await cluster.kubectl('rollout', 'status', 'deployment/greet', '--timeout=60s');
    const back = await studio.client.call('deploy:invoke', { ...of, method: 'GET', path: '/', body: '' });
    expect(JSON.parse(back.body)).toEqual(['--own', '$(HOME)']);
    const args = JSON.stringify([
      { op: 'replace', path: '/spec/template/spec/containers/0/args', value: ['by', 'hand'] },
    ]);
    await cluster.kubectl('patch', 'deployment/greet', '--type=json', `--patch=${args}`);
    await cluster.kubectl('rollout', 'status', 'deployment/greet', '--timeout=60s');
    const { body } = await studio.client.call('deploy:invoke', { ...of, method: 'GET', path: '/', body: '' });
    expect(JSON.parse(body)).toEqual(['by', 'hand']);
    const [template] = JSON.parse(
      await cluster.kubectl('get', 'deployment/greet', '-o', 'jsonpath=[{.spec.template.spec.containers[0]}]'),
    ) as { image: string }[];
    expect(template?.image).toBe(plain.image);
    const without = JSON.stringify([{ op: 'remove', path: '/spec/template/spec/containers/0/args' }]);
    await cluster.kubectl('patch', 'deployment/greet', '--type=json', `--patch=${without}`);
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet' }));
  });

  it('has the environment of a profile, and keeps within its bounds', async () => {
    const env = { STAGE: 'at $' + '{FL_STAGE}', PRICE: '5 $(HOME)' };
    const profiles = { staging: { autoscale: { min: 2, max: 3 }, env } };
    writeFileSync(
      join(project.dir, 'handler.ts'),
      'export default () => ({ stage: process.env.STAGE, price: process.env.PRICE });',
    );
    const plain = await deploy();
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', deploy: { profiles } }));
    await expect(deploy({ profile: 'prod' })).rejects.toMatchObject({ code: 'BAD_INPUT', hint: 'It has: staging' });
    await cluster.kubectl('scale', 'deployment/greet', '--replicas=1');
    const done = await deploy({ profile: 'staging' });
    expect(JSON.parse(done.answer?.body ?? '')).toEqual({ stage: 'at the lab', price: '5 $(HOME)' });
    // One image serves both: the variables are the pod's.
    expect(done.image).toBe(plain.image);
    expect(done.revision).toBeGreaterThan(plain.revision);
    await vi.waitFor(
      async () => expect((await studio.client.call('deploy:get', of)).replicas).toMatchObject({ wanted: 2, ready: 2 }),
      { timeout: 60_000, interval: 500 },
    );
    await expect(studio.client.call('deploy:scale', { ...of, replicas: 1 })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: /autoscaler/,
    });
    await deploy();
    await expect(cluster.kubectl('get', 'hpa', 'greet')).rejects.toThrow(/not found/);
    expect((await studio.client.call('deploy:get', of)).replicas.wanted).toBe(2);
  });

  it('gives a function its secrets when it starts, and shows none of them', async () => {
    const secrets = { TOKEN: { secret: 'app', key: 'token' }, KEY: { env: 'FL_KEY' } };
    const settings = { name: 'greet', deploy: { secrets } };
    writeFileSync(
      join(project.dir, 'handler.ts'),
      'const { env } = process; export default () => ({ of: [env.TOKEN, env.KEY].map((text) => text?.split("").reverse().join("")) });',
    );
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify(settings));
    const missing = { code: 'NOT_FOUND', message: /no Secret "app"/, hint: /create secret generic app/ };
    await expect(deploy()).rejects.toMatchObject(missing);
    await cluster.kubectl('create', 'secret', 'generic', 'app', '--from-literal=other=x');
    await expect(deploy()).rejects.toMatchObject({ code: 'NOT_FOUND', message: /without the key "token"/ });
    await cluster.kubectl('delete', 'secret', 'app');
    await cluster.kubectl('create', 'secret', 'generic', 'app', '--from-literal=token=first secret');
    const done = await deploy();
    expect(JSON.parse(done.answer?.body ?? '')).toEqual({ of: ['terces tsrif', 'yek terces'] });

    const preview = await studio.client.call('deploy:preview', { projectId: project.id, target: 'test' });
    expect(preview.note).toContain('KEY (same)');
    const deployment = await cluster.kubectl('get', 'deployment/greet', '-o', 'yaml');
    let log = '';
    const logs = studio.client.openStream('deploy:logs', { ...of, follow: false }, (chunk) => {
      log += Buffer.from(chunk).toString('utf8');
    });
    await logs.ended;
    expect(log).toMatch(/the guest gets (TOKEN, KEY|KEY, TOKEN)/);
    for (const text of [log, deployment, JSON.stringify([done, preview])])
      expect(text).not.toMatch(/first secret|secret key/);

    // A new value makes new pods of the same image.
    await cluster.kubectl('delete', 'secret', 'app');
    await cluster.kubectl('create', 'secret', 'generic', 'app', '--from-literal=token=second');
    const again = await deploy();
    expect(again.image).toBe(done.image);
    expect(JSON.parse(again.answer?.body ?? '')).toEqual({ of: ['dnoces', 'yek terces'] });
  });

  it.skipIf(ownOnly !== null)(ofOwn('is reached by an Ingress or a Gateway, where it is asked to be'), async () => {
    const settings = (route: object) =>
      writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', deploy: { route } }));
    settings({ host: 'greet.example', ingressClass: 'none' });
    await expect(deploy()).rejects.toMatchObject({ code: 'NOT_FOUND', message: /no Ingress class "none"/ });
    settings({ host: 'greet.example', path: '/v1' });
    await deploy();
    expect((await studio.client.call('deploy:get', of)).endpoint).toBe('http://greet.example/v1');
    const ingress = await cluster.kubectl('get', 'ingress/greet', '-o', 'jsonpath={.spec.rules[0].host}');
    expect(ingress).toBe('greet.example');
    await studio.client.call('deploy:scale', { ...of, replicas: 1 });
    expect((await studio.client.call('deploy:get', of)).endpoint).toBe('http://greet.example/v1');

    // A deploy that fails takes its route back too.
    await cluster.kubectl('create', 'quota', 'one', '--hard=pods=1');
    settings({ host: 'other.example', path: '/v2' });
    edit('other');
    await expect(deploy()).rejects.toMatchObject({ code: 'DEPLOY_FAILED', hint: /^It went back to revision \d+\.$/ });
    await cluster.kubectl('delete', 'quota', 'one');
    const rule = '{.spec.rules[0].host}{.spec.rules[0].http.paths[0].path}';
    expect(await cluster.kubectl('get', 'ingress/greet', '-o', `jsonpath=${rule}`)).toBe('greet.example/v1');
    expect((await studio.client.call('deploy:get', of)).endpoint).toBe('http://greet.example/v1');

    settings({ host: 'greet.example', gateway: 'edge' });
    await expect(deploy()).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED', message: /no Gateway API/ });
    const routes = join(home, 'httproutes.json');
    writeFileSync(routes, JSON.stringify(httpRoutes));
    await cluster.kubectl('apply', '-f', routes);
    await cluster.kubectl('wait', '--for=condition=Established', 'crd/httproutes.gateway.networking.k8s.io');
    await vi.waitFor(async () => await deploy(), { timeout: 60_000, interval: 1000 });
    const parent = ['httproute/greet', '-o', 'jsonpath={.spec.parentRefs[0].name}'];
    expect(await cluster.kubectl('get', ...parent)).toBe('edge');
    await expect(cluster.kubectl('get', 'ingress/greet')).rejects.toThrow(/not found/);
  });

  it('is rid of a function that is taken away', async () => {
    await studio.client.call('deploy:remove', of);
    expect(await studio.client.call('deploy:list', { target: 'test' })).toEqual([]);
    await expect(studio.client.call('deploy:get', of)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const routes = ownOnly === null ? ['httproute/greet'] : [];
    for (const object of ['service/greet', 'secret/greet-secrets', ...routes]) {
      await expect(cluster.kubectl('get', object)).rejects.toThrow(/not found/);
    }
  });
});

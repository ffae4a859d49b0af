import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { whyNoKnative } from './knative/build.mjs';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';
import { visit } from './visit.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNotOwn() ?? whyNoTestCluster() ?? whyNoKnative();
const soon = { timeout: 120_000, interval: 300 };

describe.skipIf(reason !== null)(`real Knative Serving${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;
  let project: Project;
  const of = { target: 'test', name: 'greet' };
  const call: OpenTarget['studio']['client']['call'] = (...args) => target.studio.client.call(...args);
  const deploy = (more: { target?: string; replicas?: number } = {}) =>
    call('deploy:start', { projectId: project.id, target: 'test', ...more });
  const get = () => call('deploy:get', of);
  const edit = (word: string) =>
    writeFileSync(join(project.dir, 'handler.ts'), `export default () => ({ word: '${word}' });`);
  const settings = (more: object) =>
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', ...more }));
  /** The answer through the cluster's ingress, by the function's own address. */
  const visitIt = async () => await visit(target.cluster, (await get()).endpoint);
  const untilZero = () =>
    vi.waitFor(async () => {
      expect(await get()).toMatchObject({ state: 'ready', replicas: { wanted: 0, ready: 0 } });
    }, soon);

  beforeAll(async () => {
    target = await openTarget(home, {}, { knative: true });
    const [first] = await call('targets:list', {});
    if (first?.kind !== 'kubernetes') throw new Error('There is no target.');
    await call('targets:remove', { target: 'test' });
    await call('targets:add', { ...first, workload: 'knative' });
    project = await target.studio.project('greet', "export default () => ({ word: 'one' });");
  });
  afterAll(async () => {
    await target?.close();
    removeHome(home);
  });

  it('is found by the checks of a target', async () => {
    const checks = await call('targets:test', { target: 'test' });
    expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(checks.find(({ id }) => id === 'workload')).toMatchObject({ status: 'ok' });
    expect(checks.find(({ id }) => id === 'offers')?.found).toContain('Knative Serving');
  });

  it('runs a unikernel as a Knative Service', async () => {
    const done = await deploy();
    expect(done.steps.map(({ name }) => name)).toEqual(['build', 'image', 'push', 'apply', 'rollout', 'call']);
    expect(done.answer).toEqual({ status: 200, body: '{"word":"one"}' });
    expect(done.revision).toBe(1);
    expect(await call('deploy:list', { target: 'test' })).toMatchObject([
      {
        name: 'greet',
        workload: 'knative',
        state: 'ready',
        revision: 1,
        endpoint: 'http://greet.default.functions.test',
      },
    ]);
  });

  it('makes no new revision of what runs already', async () => {
    expect((await deploy()).revision).toBe(1);
  });

  it('goes to zero, and from zero by a request, whose cold start is drawn', async () => {
    await untilZero();
    expect(await visitIt()).toBe('200 {"word":"one"}');
    const start = await call('deploy:coldStart', of);
    expect(start.accel).toBe('tcg');
    const names = ['schedule', 'start', 'vmm', 'firmware', 'kernel', 'runtime', 'answer'];
    expect(start.phases.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    await untilZero();
    expect(await call('deploy:invoke', of)).toMatchObject({ status: 200, body: '{"word":"one"}' });
    expect(await target.logOf('greet')).toContain('the guest runs emulated');
  });

  it('splits its traffic between two revisions, and takes it back', async () => {
    edit('two');
    expect((await deploy()).revision).toBe(2);
    const history = await call('deploy:history', of);
    expect(history.map(({ revision, isCurrent }) => [revision, isCurrent])).toEqual([
      [2, true],
      [1, false],
    ]);
    const half = (revision: number) => ({ revision, percent: 50 });
    await expect(call('deploy:traffic', { ...of, shares: [half(1)] })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(call('deploy:traffic', { ...of, shares: [half(1), half(9)] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: 'The cluster keeps: 2, 1',
    });
    await call('deploy:traffic', { ...of, shares: [half(1), half(2)] });
    const seen = new Set<string>();
    await vi.waitFor(async () => {
      seen.add(await visitIt());
      expect(seen).toEqual(new Set(['200 {"word":"one"}', '200 {"word":"two"}']));
    }, soon);
    expect((await get()).traffic).toEqual([
      { revision: 1, percent: 50, isLatest: false },
      { revision: 2, percent: 50, isLatest: false },
    ]);

    // A split is a person's choice: a deploy leaves it, and its revision gets no request yet.
    edit('three');
    const third = await deploy();
    expect(third).toMatchObject({ revision: 3, answer: { body: '{"word":"three"}' } });
    expect(third.steps.find(({ name }) => name === 'rollout')?.detail).toContain('goes to other revisions');
    expect((await get()).traffic?.map(({ revision }) => revision)).toEqual([1, 2]);

    await call('deploy:traffic', { ...of, shares: [{ revision: 'latest', percent: 100 }] });
    await vi.waitFor(
      async () => expect((await get()).traffic).toEqual([{ revision: 3, percent: 100, isLatest: true }]),
      soon,
    );
    await vi.waitFor(async () => {
      for (let count = 0; count < 5; count++) expect(await visitIt()).toBe('200 {"word":"three"}');
    }, soon);
  });

  it('goes back to an earlier revision', async () => {
    await expect(call('deploy:rollback', { ...of, revision: 3 })).rejects.toMatchObject({ code: 'CONFLICT' });
    await call('deploy:rollback', { ...of, revision: 1 });
    await vi.waitFor(async () => {
      expect(await get()).toMatchObject({ state: 'ready', revision: 4 });
      expect(await visitIt()).toBe('200 {"word":"one"}');
    }, soon);
  });

  it('says why a revision does not run, and serves on with the one before', async () => {
    await target.cluster.kubectl('cordon', target.cluster.own?.nodeName ?? '');
    edit('four');
    const failure = await deploy().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'DEPLOY_FAILED', message: /unschedulable/, hint: /went back/ });
    await target.cluster.kubectl('uncordon', target.cluster.own?.nodeName ?? '');
    await vi.waitFor(async () => {
      expect(await get()).toMatchObject({ state: 'ready' });
      expect(await visitIt()).toBe('200 {"word":"one"}');
    }, soon);
  });

  it('refuses what Knative does itself', async () => {
    await expect(call('deploy:scale', { ...of, replicas: 2 })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(call('deploy:pause', { ...of, paused: true })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(deploy({ replicas: 2 })).rejects.toMatchObject({ code: 'BAD_INPUT', hint: /autoscale/ });
    settings({ deploy: { workload: 'deployment' } });
    await expect(deploy()).rejects.toMatchObject({ code: 'CONFLICT', message: /runs as a Knative Service/ });
    settings({});
  });

  it('keeps within its bounds, and is what a preview says', async () => {
    settings({ deploy: { autoscale: { min: 1, max: 2 } } });
    const preview = await call('deploy:preview', { projectId: project.id, target: 'test' });
    expect(preview.yaml).toMatch(/min-scale: "1"[\s\S]*max-scale: "2"|max-scale: "2"[\s\S]*min-scale: "1"/);
    await deploy();
    await vi.waitFor(async () => expect((await get()).replicas.ready).toBe(1), soon);
  });

  it('is rid of a function that is taken away', async () => {
    await call('deploy:remove', of);
    expect(await call('deploy:list', { target: 'test' })).toEqual([]);
    await vi.waitFor(async () => {
      expect(await target.cluster.kubectl('get', 'deployments,ksvc', '-o', 'name')).toBe('');
    }, soon);
  });
});

/** The same for functions that are no Deployments. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyObject } from './cluster.ts';
import { openKnative } from './knative/knative-workload.ts';
import { type KnativeService, knativeLabels, knativeRevisions, knativeServices } from './knative/objects.ts';
import type { KubeObject } from './kube/objects.ts';
import { openKubevirt } from './kubevirt/kubevirt-workload.ts';
import { type VmReplicaSet, vmReplicaSets } from './kubevirt/objects.ts';
import type { OpenWorkload } from './open-workload.ts';
import { rollOut } from './roll-out.ts';
import { type ObjectServer, openObjectServer } from './testing/object-server.ts';
import { makeWorkload } from './workload.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
});
afterEach(() => server.close());

interface Deploy {
  readonly image: string;
  readonly at: string;
}
const first: Deploy = { image: '1', at: '2026-01-01T00:00:00Z' };
const second: Deploy = { image: '2', at: '2026-01-02T00:00:00Z' };
const elsewhere: Deploy = { image: '9', at: '2026-01-09T00:00:00Z' };
const answer = (status: number) => ({ status, body: 'answer' });
const replaced = {
  code: 'CONFLICT',
  message: 'Another change of greet has taken the place of this deploy, which does not run.',
  hint: expect.stringMatching(/was left as it is\.$/),
};

const request = ({ image, at }: Deploy, more: object) =>
  makeWorkload({
    ...{ target: { pullSecret: null }, namespace: 'team', runtime: 'ember', replicas: 1, kvmResource: null },
    ...{ image: `r/greet@sha256:${image}`, imageId: image, deployedAt: at, workload: 'deployment', ...more },
    config: { name: 'greet', memoryMiB: 64, vcpus: 1 } as Parameters<typeof makeWorkload>[0]['config'],
  });

async function roll(deployed: OpenWorkload, objects: readonly KubeObject[]) {
  return await rollOut(server.cluster, {
    ...{ name: 'greet', deployed, force: false, wait: true, rollback: true, graceMs: 0, callTimeoutMs: 300 },
    ...{ signal: new AbortController().signal, progress: () => undefined, applySecret: undefined },
    makeObjects: async () => ({ objects, detail: '' }),
    step: async (_name, _message, work) => (await work()).value,
  });
}

/** Has another computer apply its objects at a request, once. */
function applyAt(moment: RegExp, objects: readonly KubeObject[]): void {
  let hasBegun = false;
  server.refuse = async (asked) => {
    if (moment.test(asked) && !hasBegun) {
      hasBegun = true;
      for (const object of objects) await applyObject(server.cluster, object, { force: true });
    }
    return asked.includes('/proxy/') ? answer(200) : undefined;
  };
}

describe('a Knative Service', () => {
  beforeEach(() => {
    server.onApply = (_, object) => {
      if (object.apiVersion?.startsWith('serving.')) serve(object as KnativeService);
    };
  });
  /** The work of Knative: the revision of the newest template is ready at once. */
  function serve({ apiVersion = '', kind = '', metadata, spec }: KnativeService): void {
    const name = `greet-${metadata.generation}`;
    const conditions = [{ type: 'Ready', status: 'True' }];
    const labels = { [knativeLabels.service]: 'greet', [knativeLabels.generation]: String(metadata.generation) };
    server.put(knativeRevisions, { metadata: { name, labels }, spec: spec.template.spec, status: { conditions } });
    server.put(knativeServices, {
      ...{ apiVersion, kind, metadata, spec },
      status: {
        ...{ observedGeneration: metadata.generation, latestCreatedRevisionName: name, conditions },
        ...{ latestReadyRevisionName: name, traffic: [{ revisionName: name, percent: 100 }] },
      },
    });
  }
  const objectsOf = (choice: Deploy) => request(choice, { workload: 'knative' });
  const deploy = async (choice: Deploy) =>
    await roll(await openKnative(server.cluster, 'greet', new AbortController().signal), objectsOf(choice));
  const image = () => server.get<KnativeService>(knativeServices, 'greet')?.spec.template.spec.containers[0]?.image;

  it.each([
    ['in its rollout', /^GET revisions$/],
    ['at its call', /\/proxy\/$/],
  ])('fails where another deploy takes its place: %s', async (_, moment) => {
    applyAt(/^never$/, []);
    expect(await deploy(first)).toMatchObject({ revision: 1, answer: { status: 200 }, warnings: [] });
    applyAt(moment, objectsOf(elsewhere));
    await expect(deploy(second)).rejects.toMatchObject(replaced);
    expect(image()).toBe('r/greet@sha256:9');
  });

  it('goes back when it does not answer', async () => {
    applyAt(/^never$/, []);
    await deploy(first);
    server.refuse = (asked) => (asked.includes('/proxy/') ? answer(502) : undefined);
    await expect(deploy(second)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: 'greet does not answer on home, by status 502.',
      hint: expect.stringMatching(/^It went back to the revision before/),
    });
    expect(image()).toBe('r/greet@sha256:1');
  });
});

describe('machines of KubeVirt', () => {
  beforeEach(() => {
    server.onApply = (kind, object) => {
      if (!vmReplicaSets.startsWith(`${kind}.`)) return;
      const { replicas = 1 } = (object as VmReplicaSet).spec;
      server.put(vmReplicaSets, { ...object, status: { replicas, readyReplicas: replicas } });
    };
  });
  const objectsOf = (choice: Deploy, revision: number) => request(choice, { vm: { cmdline: '', port: 80 }, revision });
  const deploy = async (choice: Deploy, revision: number) =>
    await roll(await openKubevirt(server.cluster, 'greet', new AbortController().signal), objectsOf(choice, revision));
  const leadsTo = () =>
    server.get<{ spec: { selector: Record<string, string> } }>('services', 'greet')?.spec.selector[
      'firstlight.dev/revision'
    ];
  const replicas = (revision: number) => server.get<VmReplicaSet>(vmReplicaSets, `greet-r${revision}`)?.spec.replicas;

  it('take the place of those before once they have answered', async () => {
    applyAt(/^never$/, []);
    await deploy(first, 1);
    let atCall: unknown;
    server.refuse = (asked) => {
      if (!asked.includes('/proxy/')) return undefined;
      atCall = [leadsTo(), replicas(1), replicas(2)];
      return answer(200);
    };
    await deploy(second, 2);
    expect(atCall).toEqual(['2', 1, 1]);
    expect([leadsTo(), replicas(1), replicas(2)]).toEqual(['2', 0, 1]);
  });

  it('leave the Service to those before when they do not answer', async () => {
    applyAt(/^never$/, []);
    await deploy(first, 1);
    server.refuse = (asked) => (asked.includes('/proxy/') ? answer(503) : undefined);
    await expect(deploy(second, 2)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      hint: 'It stayed at revision 1.',
    });
    expect([leadsTo(), replicas(1), replicas(2)]).toEqual(['1', 1, undefined]);
  });

  it('fail where another deploy takes their place', async () => {
    applyAt(/^never$/, []);
    await deploy(first, 1);
    applyAt(/^GET virtualmachineinstances$/, objectsOf(elsewhere, 2));
    await expect(deploy(second, 2)).rejects.toMatchObject(replaced);
    expect([leadsTo(), replicas(1), replicas(2)]).toEqual(['2', 1, 1]);
  });
});

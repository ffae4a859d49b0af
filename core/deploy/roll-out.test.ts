import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Autoscale, Route } from '#shared/model/deploy-section.ts';
import { applyObject } from './cluster.ts';
import { openDeployment } from './deployment-workload.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { annotationNames } from './names.ts';
import { removeFunction } from './revisions.ts';
import { rollOut } from './roll-out.ts';
import { applySecrets } from './secrets.ts';
import { type ObjectServer, openObjectServer, refusal } from './testing/object-server.ts';
import { makeWorkload } from './workload.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
  server.onApply = (kind, object) => {
    if (kind === 'deployments') finishRollout(object as DeploymentObject);
  };
});
afterEach(() => server.close());

/** The work of the controller and the kubelet: the pod of the newest template is ready at once. */
function finishRollout({ metadata, spec }: DeploymentObject): void {
  const { generation = 0, uid = '', labels = {} } = metadata;
  const annotations = { ...metadata.annotations, 'deployment.kubernetes.io/revision': String(generation) };
  const counts = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  server.put('deployments', {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { ...metadata, annotations }, spec },
    status: { observedGeneration: generation, ...counts },
  });
  const owned = (name: string, owner: string) => ({
    metadata: { name, uid: name, labels, annotations, ownerReferences: [{ uid: owner }] },
  });
  server.put('replicasets', { ...owned(`rs-${generation}`, uid), spec: { template: spec.template } });
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  server.put('pods', { ...owned(`pod-${generation}`, `rs-${generation}`), status });
}

interface Deploy {
  readonly image: string;
  readonly at: string;
  readonly route?: Route;
  readonly autoscale?: Autoscale;
  readonly secret?: string;
  readonly port?: number;
  readonly rollback?: boolean;
}
/** The objects of a deploy, whose Service leads to a port of its own. */
const objectsOf = ({ image, at, route, autoscale, secret, port = 8080 }: Deploy, secretVersions = '') =>
  makeWorkload({
    ...{ workload: 'deployment', target: { pullSecret: null }, namespace: 'team', runtime: 'ember', replicas: 1 },
    ...{ image: `r/greet@sha256:${image}`, imageId: image, deployedAt: at, kvmResource: null, route, autoscale },
    ...(secret && { secrets: { TOKEN: { secret: 'greet-secrets', key: 'TOKEN' } }, secretVersions }),
    config: { name: 'greet', memoryMiB: 64, vcpus: 1 } as Parameters<typeof makeWorkload>[0]['config'],
  }).map((object) =>
    object.kind === 'Service'
      ? { ...object, spec: { ...(object as { spec?: object }).spec, ports: [{ port }] } }
      : object,
  );

async function deploy(choice: Deploy, wait = true) {
  const ends = new AbortController();
  const { signal } = ends;
  const { secret, rollback = true } = choice;
  const secrets = { keys: {}, own: secret === undefined ? {} : { TOKEN: secret } };
  return await rollOut(server.cluster, {
    ...{
      name: 'greet',
      force: false,
      wait,
      rollback,
      graceMs: 0,
      callTimeoutMs: 300,
      signal,
      progress: () => undefined,
    },
    deployed: await openDeployment(server.cluster, 'greet', signal),
    applySecret:
      secret === undefined
        ? undefined
        : () => applySecrets(server.cluster, 'greet', secrets, { workload: 'deployment', force: false, signal }),
    makeObjects: async (version) => ({ objects: objectsOf(choice, version), detail: '' }),
    step: async (_name, _message, work) => (await work()).value,
  });
}

const answer = (status: number, body: unknown = 'answer') => ({ status, body });
const callPath = 'GET services/greet:http/proxy/';
/** Has the first call answered, and refuses the requests of a kind. */
function refuse(pattern: RegExp | null, call = answer(200), refused = refusal(403, 'that is forbidden')): void {
  server.refuse = (request) => {
    if (request === callPath) return call;
    return pattern?.test(request) ? refused : undefined;
  };
}

const first: Deploy = { image: '1', at: '2026-01-01T00:00:00Z' };
const second: Deploy = { image: '2', at: '2026-01-02T00:00:00Z' };
const imageOf = () => server.get<DeploymentObject>('deployments', 'greet')?.spec.template.spec.containers[0]?.image;
const mark = () => server.get('deployments', 'greet')?.metadata.annotations?.[annotationNames.unfinished];
/** What is there, without the cluster's own bookkeeping. */
const shown = () =>
  ['services', 'horizontalpodautoscalers', 'ingresses', 'httproutes'].map(
    (kind) => server.get<{ spec: object }>(kind, 'greet')?.spec ?? null,
  );
const route: Route = { host: 'greet.example', path: '/' };
const autoscale: Autoscale = { min: 1, max: 3, cpuPercent: 80 };

it('deploys, and says the status of the first answer', async () => {
  refuse(null, answer(500, { error: 'no database' }));
  expect(await deploy(first)).toEqual({
    revision: 1,
    answer: { status: 500, body: '{"error":"no database"}' },
    warnings: ['Its first answer, to GET /, has status 500.'],
  });
  expect(mark()).toBeUndefined();
});

describe('an apply that fails after the Deployment', () => {
  it.each([
    ['the Service is refused', /^PATCH services\/greet$/, {}],
    ['the autoscaler is refused', /^PATCH horizontalpodautoscalers/, { autoscale: { ...autoscale, max: 9 } }],
    ['the route is refused', /^PATCH ingresses/, { route: { ...route, host: 'new.example' } }],
  ])('goes back: %s', async (_, pattern, more) => {
    refuse(null);
    await deploy({ ...first, autoscale, route });
    const before = shown();
    let isRefused = false;
    server.refuse = (request) => {
      if (request === callPath) return answer(200);
      // A webhook refuses the new one only.
      const refuses = !isRefused && pattern.test(request);
      isRefused ||= refuses;
      return refuses ? refusal(403, 'a webhook says no') : undefined;
    };
    await expect(deploy({ ...second, autoscale, route, port: 9090, ...more })).rejects.toMatchObject({
      code: 'CLUSTER_DENIED',
      message: 'a webhook says no',
      hint: expect.stringMatching(/It went back to revision 1\.$/),
    });
    expect([imageOf(), mark(), shown()]).toEqual(['r/greet@sha256:1', undefined, before]);
  });

  it('takes a new function away again, and leaves what it is told to leave', async () => {
    refuse(/^PATCH ingresses/);
    const failed = (hint: RegExp) => ({ code: 'CLUSTER_DENIED', hint: expect.stringMatching(hint) });
    await expect(deploy({ ...first, route, rollback: false })).rejects.toMatchObject(failed(/left as it is\.$/));
    expect(mark()).toMatch(/^deploy /);
    await removeFunction(server.cluster, 'greet');
    await expect(deploy({ ...first, route })).rejects.toMatchObject(
      failed(/It was new, so it was taken away again\.$/),
    );
    expect([imageOf(), shown()]).toEqual([undefined, [null, null, null, null]]);
  });

  it('has changed nothing where the Deployment itself is refused', async () => {
    refuse(/^PATCH deployments/);
    await expect(deploy(first)).rejects.toMatchObject({ hint: expect.not.stringMatching(/went back|taken away/) });
    expect(server.asked.filter((request) => /^(PATCH|DELETE)/.test(request))).toEqual(['PATCH deployments/greet']);
  });
});

describe('a deploy that goes back', () => {
  const failing = answer(503, { kind: 'Status', apiVersion: 'v1', message: 'no endpoints available' });
  const failed = (hint: RegExp) => ({ code: 'DEPLOY_FAILED', hint: expect.stringMatching(hint) });

  it('restores its Service, its route, its autoscaler and the values of its Secret', async () => {
    refuse(null);
    await deploy({ ...first, route, autoscale, secret: 'old' });
    const before = shown();
    refuse(null, failing);
    const others = { route: { ...route, host: 'new.example' }, autoscale: { ...autoscale, max: 9 }, port: 9090 };
    await expect(deploy({ ...second, ...others, secret: 'new' })).rejects.toMatchObject(failed(/^It went back.* 1\.$/));
    expect([imageOf(), shown()]).toEqual(['r/greet@sha256:1', before]);
    const { data } = server.get<{ data: { TOKEN: string } }>('secrets', 'greet-secrets') ?? {};
    expect(Buffer.from(data?.TOKEN ?? '', 'base64').toString()).toBe('old');
  });

  it('has removed nothing, and removes what it added', async () => {
    refuse(null);
    await deploy({ ...first, route });
    const before = shown();
    refuse(null, failing);
    await expect(deploy({ ...second, autoscale })).rejects.toMatchObject(failed(/^It went back to revision 1\.$/));
    expect([imageOf(), mark(), shown()]).toEqual(['r/greet@sha256:1', undefined, before]);
  });

  it('names what it could not restore', async () => {
    refuse(null);
    await deploy({ ...first, port: 8080 });
    let services = 0;
    server.refuse = (request) => {
      if (request === callPath) return failing;
      // The second one is that of going back.
      if (request === 'PATCH services/greet') services += 1;
      return request === 'PATCH services/greet' && services === 2 ? refusal(403, 'not you.') : undefined;
    };
    const hint = /^It went back to revision 1\. Of services, greet stays as this deploy made it: not you\.$/;
    await expect(deploy({ ...second, port: 9090 })).rejects.toMatchObject(failed(hint));
    expect(imageOf()).toBe('r/greet@sha256:1');
  });

  it('does so when its first call is broken off', async () => {
    refuse(null);
    await deploy(first);
    server.refuse = (request) => (request === callPath ? null : undefined);
    await expect(deploy(second)).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      hint: expect.stringMatching(/It went back to revision 1\.$/),
    });
    expect(imageOf()).toBe('r/greet@sha256:1');
  });
});

describe('what a deploy has no use for', () => {
  it('goes away once it has succeeded, and the mark stays until then', async () => {
    refuse(null);
    await deploy({ ...first, route, autoscale });
    let atCall: unknown;
    server.refuse = (request) => {
      if (request !== callPath) return undefined;
      atCall = [mark()?.split(' ')[0], shown().map((spec) => spec !== null)];
      return answer(200);
    };
    await deploy(second);
    expect(atCall).toEqual(['deploy', [true, true, true, false]]);
    expect([mark(), shown().map((spec) => spec !== null)]).toEqual([undefined, [true, false, false, false]]);
  });

  it('is no reason to go back where it may not be deleted', async () => {
    refuse(null);
    await deploy({ ...first, route });
    refuse(/^DELETE ingresses/);
    await expect(deploy(second)).rejects.toMatchObject({
      code: 'CLUSTER_DENIED',
      hint: expect.stringMatching(/^The new revision of greet stays; what it no longer needs is not all gone\./),
    });
    expect([imageOf(), mark()]).toEqual(['r/greet@sha256:2', expect.stringMatching(/^deploy /)]);
  });
});

it('deploys where it may not call the function, and says so', async () => {
  const message = 'services "greet:http" is forbidden';
  refuse(null, answer(403, { kind: 'Status', apiVersion: 'v1', message }));
  expect(await deploy(first)).toMatchObject({
    answer: null,
    warnings: [`It was not called: ${message}`],
  });
  expect(imageOf()).toBe('r/greet@sha256:1');
});

it('calls again where the API server does not know the Service yet', async () => {
  const message = 'services "greet" not found';
  let calls = 0;
  refuse(null);
  server.refuse = (request) => {
    if (request !== callPath) return undefined;
    calls += 1;
    return calls < 3 ? answer(404, { kind: 'Status', apiVersion: 'v1', message }) : answer(200);
  };
  expect((await deploy(first)).answer).toMatchObject({ status: 200 });
  expect(calls).toBe(3);
});

describe('two deploys of one function at once', () => {
  const lost = {
    code: 'CONFLICT',
    message: 'Another change of greet has taken the place of this deploy, which does not run.',
    hint: expect.stringMatching(/Another change has taken its place, and was left as it is\.$/),
  };

  it.each([
    ['in its rollout', 'GET replicasets'],
    ['at its call', callPath],
  ])('fails the one whose image does not run, %s, and leaves the other', async (_, moment) => {
    refuse(null);
    await deploy(first);
    let hasBegun = false;
    server.refuse = async (request) => {
      if (request === moment && !hasBegun) {
        hasBegun = true;
        // Another computer's, by the same field manager.
        for (const object of objectsOf({ image: '9', at: '2026-01-09T00:00:00Z', port: 9090 })) {
          await applyObject(server.cluster, object, { force: true });
        }
      }
      return request === callPath ? answer(200) : undefined;
    };
    await expect(deploy(second)).rejects.toMatchObject(lost);
    expect([imageOf(), shown()[0]]).toMatchObject(['r/greet@sha256:9', { ports: [{ port: 9090 }] }]);
  });

  it('does not bring back a function that was taken away meanwhile', async () => {
    refuse(null);
    await deploy(first);
    server.refuse = (request) => {
      if (request !== callPath) return undefined;
      server.remove('deployments', 'greet');
      return answer(200);
    };
    await expect(deploy(second)).rejects.toMatchObject(lost);
    expect(imageOf()).toBeUndefined();
  });
});

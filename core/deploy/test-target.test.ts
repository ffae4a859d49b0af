import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TargetCheck } from '#shared/model/deploy.ts';
import { testTarget } from './test-target.ts';
import { type ObjectServer, openObjectServer } from './testing/object-server.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
});
afterEach(() => server.close());

interface Review {
  readonly spec: { readonly resourceAttributes: { readonly [key in 'verb' | 'resource' | 'subresource']?: string } };
}

/** The findings where the user may do all but `denied`, and the cluster has these API groups. */
async function check(
  denied: readonly string[],
  { groups = [], target = {} }: { readonly groups?: readonly string[]; readonly target?: object } = {},
): Promise<ReadonlyMap<string, TargetCheck>> {
  const { client } = server.cluster;
  const json: typeof client.json = async <Value>(...[path, options]: Parameters<typeof client.json>) => {
    if (path === '/version') return { gitVersion: 'v1.34.0' } as Value;
    if (path === '/apis') return { groups: groups.map((name) => ({ name })) } as Value;
    if (path === '/api/v1/nodes') return { items: [] } as Value;
    if (!path.endsWith('/selfsubjectaccessreviews')) return await client.json<Value>(path, options);
    if (options === undefined) throw new Error('A review has a body.');
    const { spec } = options.body as Review;
    const { verb, resource, subresource } = spec.resourceAttributes;
    const right = `${verb} ${[resource, subresource].filter(Boolean).join('/')}`;
    return { status: { allowed: !denied.includes(right) } } as Value;
  };
  const cluster = {
    ...{ ...server.cluster, client: { ...client, json } },
    // A pull secret that is not there: no pod is tried.
    target: { ...server.cluster.target, pullSecret: 'absent', ...target },
  };
  const unused = { layout: undefined, supervisorPath: '', env: {} } as unknown as Parameters<typeof testTarget>[1];
  const checks = await testTarget(cluster, unused, new AbortController().signal);
  return new Map(checks.map((one) => [one.id, one]));
}
const mayNot = (right: string, status: string) => ({ status, found: expect.stringContaining(right) });

describe('the test of a target', () => {
  it('finds nothing amiss with the rights of a user who has all', async () => {
    const checks = await check([]);
    for (const id of ['rights', 'route', 'secrets']) expect(checks.get(id)).toMatchObject({ status: 'ok', fix: null });
  });

  it.each(['delete deployments', 'delete services', 'watch replicasets', 'watch pods'])(
    'fails without a right that a deploy needs: %s',
    async (right) => {
      expect((await check([right])).get('rights')).toMatchObject(mayNot(right, 'failed'));
    },
  );

  it.each(['list events', 'get pods/proxy', 'create services/proxy'])(
    'warns without a right by which more is told: %s',
    async (right) => {
      const found = (await check([right])).get('rights');
      expect(found).toMatchObject(mayNot(right, 'warning'));
      expect(found?.fix).toMatch(/^kubectl /);
    },
  );

  it('warns without the rights to routes, where the cluster has such', async () => {
    expect((await check(['patch ingresses'])).get('route')).toMatchObject(mayNot('patch ingresses', 'warning'));
    expect((await check(['patch httproutes'])).get('route')?.status).toBe('ok');
    const groups = ['gateway.networking.k8s.io'];
    const found = (await check(['patch httproutes'], { groups })).get('route');
    expect(found).toMatchObject(mayNot('patch httproutes', 'warning'));
    const autoscale = (await check(['delete horizontalpodautoscalers'])).get('autoscale');
    expect(autoscale).toMatchObject(mayNot('delete horizontalpodautoscalers', 'warning'));
  });

  it('fails without the revisions of Knative', async () => {
    const path = '/apis/serving.knative.dev/v1';
    server.refuse = (request) => (request === `GET ${path}` ? { status: 200, body: {} } : undefined);
    const checks = await check(['watch revisions'], { target: { workload: 'knative' } });
    expect(checks.get('workload')).toMatchObject(mayNot('watch revisions', 'failed'));
  });

  it('gives a command for all that is missing', async () => {
    for (const target of [{ workload: 'knative' }, { engine: 'kubevirt' }]) {
      const checks = [...(await check(['patch ingresses'], { target })).values()];
      const fixes = checks.filter(({ status }) => status !== 'ok').map(({ id, fix }) => [id, fix]);
      expect(fixes.length).toBeGreaterThan(3);
      for (const [id, fix] of fixes) expect(`${id}: ${fix}`).toMatch(/^[a-z]+: kubectl /);
    }
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectConfigSchema } from '#shared/model/project.ts';
import { compareObjects } from './compare-objects.ts';
import type { KubeObject } from './kube/objects.ts';
import { revisionLabel, vmReplicaSets } from './kubevirt/objects.ts';
import { labelsOf } from './names.ts';
import type { WorkloadRequest } from './pod-template.ts';
import { type ObjectServer, openObjectServer, refusal } from './testing/object-server.ts';
import { makeWorkload } from './workload.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
});
afterEach(() => server.close());

const { signal } = new AbortController();
const config = projectConfigSchema.parse({ name: 'greet', runtime: 'ember', memoryMiB: 128 });
const make = (more: Partial<WorkloadRequest> = {}) =>
  makeWorkload({
    workload: 'deployment',
    config,
    target: { pullSecret: null },
    namespace: 'team',
    image: 'registry.example/greet@sha256:1',
    imageId: 'abc',
    runtime: 'ember',
    replicas: 1,
    deployedAt: '2026-01-01T00:00:00Z',
    kvmResource: null,
    ...more,
  });
const compare = (objects: readonly KubeObject[]) =>
  compareObjects(server.cluster, 'greet', objects, { force: false, signal });
const named = (objects: readonly KubeObject[]) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe('what a deploy would change', () => {
  it.each([
    ['horizontalpodautoscalers', 'HorizontalPodAutoscaler'],
    ['ingresses', 'Ingress'],
    ['httproutes', 'HTTPRoute'],
  ])('has what it would delete: %s', async (kind, title) => {
    server.put(kind, { kind: title, metadata: { name: 'greet', labels: labelsOf('greet') } });
    const { before, after } = await compare(make());
    expect(named(before)).toEqual([`${title} greet`]);
    expect(named(after)).toEqual(['Deployment greet', 'Service greet']);
    expect(server.get(kind, 'greet')).toBeDefined();
  });

  it('has nothing that stays: what is wanted, what is of somebody else, what one may not see', async () => {
    const route = { host: 'greet.example', path: '/' };
    server.put('ingresses', { kind: 'Ingress', metadata: { name: 'greet', labels: labelsOf('greet') } });
    expect(named((await compare(make({ route }))).after)).toContain('Ingress greet');
    server.put('ingresses', { kind: 'Ingress', metadata: { name: 'greet' } });
    expect(named((await compare(make())).before)).toEqual([]);
    server.refuse = (request) => (request === 'GET ingresses/greet' ? refusal(403, 'forbidden') : undefined);
    expect(named((await compare(make())).before)).toEqual([]);
  });

  it('has the machines of KubeVirt that it would end, and the sets that it would delete', async () => {
    const setOf = (revision: number, replicas: number) => ({
      metadata: {
        name: `greet-r${revision}`,
        labels: { ...labelsOf('greet'), [revisionLabel]: String(revision) },
      },
      spec: { replicas, template: { spec: { domain: {} } } },
    });
    for (let revision = 1; revision <= 11; revision++) {
      server.put(vmReplicaSets, setOf(revision, revision === 11 ? 2 : 0));
    }
    const { before, after } = await compare(make({ vm: { cmdline: 'word', port: 80 }, revision: 12 }));
    const kind = 'VirtualMachineInstanceReplicaSet';
    expect(named(before)).toEqual([`${kind} greet-r11`, `${kind} greet-r1`]);
    expect(named(after)).toEqual([`${kind} greet-r12`, 'Service greet', `${kind} greet-r11`]);
    expect(after.at(-1)).toMatchObject({ spec: { replicas: 0 } });
    expect(server.get(vmReplicaSets, 'greet-r11')).toMatchObject({ spec: { replicas: 2 } });
  });

  it('takes over what another manager has set only by force', async () => {
    const forces: (string | undefined)[] = [];
    const { client } = server.cluster;
    const json: typeof client.json = async (path, options) => {
      if (options?.query?.dryRun !== undefined) forces.push(options.query.force);
      return await client.json(path, options);
    };
    const cluster = { ...server.cluster, client: { ...client, json } };
    for (const force of [false, true]) await compareObjects(cluster, 'greet', make(), { force, signal });
    expect(forces).toEqual(['false', 'false', 'true', 'true']);
  });
});

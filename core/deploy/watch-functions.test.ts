import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { Cluster } from './cluster.ts';
import { lostPod } from './testing/pod-logs.ts';
import { watchFunctions } from './watch-functions.ts';

/** A cluster without functions, whose watches stay open until they are cancelled. */
const quietCluster = {
  name: 'quiet',
  namespace: 'default',
  client: {
    json: async () => ({ items: [] }),
    lines: async function* (_path: string, { signal }: { readonly signal: AbortSignal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      yield* [];
    },
  },
} as unknown as Cluster;

it('ends when its reader goes away in the middle of a line, and leaves no promise behind', async () => {
  const closed = new FirstlightError('CANCELLED', 'The stream was closed by its reader.');
  let goAway: () => void = () => undefined;
  const written: string[] = [];
  const watching = watchFunctions(quietCluster, {
    signal: new AbortController().signal,
    write: (chunk) => {
      written.push(Buffer.from(chunk).toString());
      return new Promise((_, reject) => {
        goAway = () => reject(closed);
      });
    },
  });
  await expect.poll(() => written).toEqual(['[]\n']);
  goAway();
  await expect(watching).rejects.toBe(closed);
});

const deploymentOf = (name: string, availableReplicas: number) => ({
  metadata: { name, uid: name, generation: 1, resourceVersion: '1', labels: {} },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'function', image: 'r/f' }] } } },
  status: {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: availableReplicas,
    availableReplicas,
  },
});

it('writes functions that are not ready before their pods are listed, and why they are not in a later line', async () => {
  const ends = new AbortController();
  const written: string[] = [];
  let answerPods: () => void = () => undefined;
  const pods = new Promise<void>((resolve) => {
    answerPods = resolve;
  });
  const annotations = { 'deployment.kubernetes.io/revision': '1' };
  const owned = (name: string, uid: string, owner: string) => ({
    ...{ name, uid, annotations, labels: { 'app.kubernetes.io/name': 'bad' }, ownerReferences: [{ uid: owner }] },
  });
  const plain = deploymentOf('bad', 0);
  const deployment = { ...plain, metadata: { ...plain.metadata, annotations } };
  const lost = { ...lostPod('bad-1'), metadata: owned('bad-1', 'p', 'rs') };
  const set = { metadata: owned('rs', 'rs', 'bad'), spec: { template: { spec: { containers: [] } } } };
  const cluster = {
    ...quietCluster,
    target: { name: 'quiet', engine: 'pod' },
    client: {
      ...quietCluster.client,
      json: async (path: string) => {
        if (/\/pods$/.test(path)) await pods;
        const kind = path.split('/').at(-1) ?? '';
        const items = { pods: [lost], replicasets: [set], deployments: [deployment] }[kind] ?? [];
        return { metadata: { resourceVersion: '1' }, items };
      },
    },
  } as unknown as Cluster;
  const watching = watchFunctions(cluster, {
    signal: ends.signal,
    write: async (chunk) => {
      written.push(Buffer.from(chunk).toString());
    },
  });
  await expect.poll(() => written.length).toBe(1);
  const states = () => written.flatMap((line) => JSON.parse(line)).map(({ state }) => state);
  expect(states()).toEqual(['progressing']);
  answerPods();
  await expect.poll(states).toEqual(['progressing', 'failing']);
  expect(written.at(-1)).toContain('does not answer');
  ends.abort();
  await watching.catch(() => undefined);
});

it('lists the pods of functions that are not ready once for many changes, and not for those that are ready', async () => {
  const ends = new AbortController();
  const asked: string[] = [];
  const written: string[] = [];
  let changes = 0;
  const cluster = {
    ...quietCluster,
    target: { name: 'quiet', engine: 'pod' },
    client: {
      json: async (path: string) => {
        if (/\/pods$/.test(path)) asked.push(path);
        const items = path.includes('deployments') ? [deploymentOf('bad', 0), deploymentOf('good', 1)] : [];
        return { metadata: { resourceVersion: '1' }, items };
      },
      lines: async function* (path: string, { signal }: { readonly signal: AbortSignal }) {
        for (; path.includes('deployments') && changes < 5; changes += 1) {
          await new Promise((resolve) => setTimeout(resolve, 150));
          const object = { ...deploymentOf('bad', 0), spec: { ...deploymentOf('bad', 0).spec, replicas: 2 + changes } };
          yield JSON.stringify({ type: 'MODIFIED', object });
        }
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    },
  } as unknown as Cluster;
  const watching = watchFunctions(cluster, {
    signal: ends.signal,
    write: async (chunk) => {
      written.push(Buffer.from(chunk).toString());
    },
  });
  await expect.poll(() => written.at(-1), { timeout: 5_000 }).toContain('"wanted":6');
  ends.abort();
  await watching.catch(() => undefined);
  expect(written.length).toBeGreaterThan(2);
  expect(asked).toHaveLength(1);
});

it('says that a cluster cannot be reached, at the beginning and later', async () => {
  const unreachable = new FirstlightError('CLUSTER_UNREACHABLE', 'Nothing listens there.');
  for (const answersFirst of [false, true]) {
    const written: string[] = [];
    let isUp = answersFirst;
    const cluster = {
      ...quietCluster,
      client: {
        json: async () => {
          if (!isUp) throw unreachable;
          return { items: [] };
        },
        // A watch that ends, and cannot be opened again.
        lines: async function* () {
          if (!isUp) throw unreachable;
          await expect.poll(() => written).toEqual(['[]\n']);
          isUp = false;
          yield* [];
        },
      },
    } as unknown as Cluster;
    const watching = watchFunctions(cluster, {
      signal: new AbortController().signal,
      write: async (chunk) => void written.push(Buffer.from(chunk).toString()),
    });
    await expect(watching).rejects.toBe(unreachable);
    expect(written).toHaveLength(answersFirst ? 1 : 0);
  }
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeColdStart, readColdStart } from './cold-start.ts';
import type { EventObject, PodObject } from './kube/objects.ts';
import { labelsOf } from './names.ts';
import { type ObjectServer, openObjectServer, refusal } from './testing/object-server.ts';

const second = (number: number) => `2026-01-01T00:00:0${number}Z`;
const nsOf = (number: number, ms: number) => String(BigInt(Date.parse(second(number)) + ms) * 1_000_000n);
const pod: PodObject = {
  metadata: { name: 'app-1', uid: 'p', creationTimestamp: second(0) },
  status: { conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: second(0) }] },
};
const event = (reason: string, at: string): EventObject => ({
  metadata: { name: reason },
  reason,
  firstTimestamp: at,
  involvedObject: { uid: 'p' },
});
const events = [
  event('Pulled', second(2)),
  event('Created', second(2)),
  { ...event('Pulled', second(9)), involvedObject: { uid: 'q' } },
];
const marks = {
  accel: 'tcg' as const,
  why: 'no /dev/kvm',
  startedNs: nsOf(2, 400),
  vmmNs: nsOf(2, 410),
  resumedNs: nsOf(2, 500),
  spokeNs: '0',
  helloNs: nsOf(3, 100),
  helloCounter: '0',
  counterHz: '0',
  bootMarks: [],
  firstRequestNs: nsOf(3, 50),
  firstAnsweredNs: nsOf(3, 120),
};

describe('a cold start on a cluster', () => {
  it('is made of phases that follow on each other, each with its bound', () => {
    const { phases, totalMs, boundMs } = makeColdStart(pod, events, marks);
    expect(phases.map(({ name, startMs, endMs, boundMs }) => [name, startMs, endMs, boundMs])).toEqual([
      ['schedule', 0, 0, 1000],
      ['pull', 0, 2000, 1000],
      ['create', 2000, 2000, 1000],
      // From the API's whole seconds to the node's clock.
      ['start', 2000, 2400, 1001],
      ['vmm', 2400, 2500, 1],
      ['boot', 2500, 3100, 1],
      ['wait', 3100, 3100, 1],
      ['answer', 3100, 3120, 1],
    ]);
    expect([totalMs, boundMs]).toEqual([3120, 1001]);
  });

  it('has the guest’s own marks, each with the bound that its clock leaves', () => {
    // 550 of the 600 ms since its start are accounted for by its counter.
    const own = {
      helloCounter: '560000000',
      counterHz: '1000000000',
      bootMarks: [
        [0, 10_000_000],
        [5, 520_000_000],
      ],
    };
    const { phases } = makeColdStart(pod, events, { ...marks, ...own } as typeof marks);
    expect(phases.slice(4, 8).map(({ name, startMs, endMs, boundMs }) => [name, startMs, endMs, boundMs])).toEqual([
      ['vmm', 2400, 2500, 1],
      ['firmware', 2500, 2550, 50],
      ['kernel', 2550, 3060, 50],
      ['runtime', 3060, 3100, 1],
    ]);
    const spoken = makeColdStart(pod, events, { ...marks, spokeNs: nsOf(2, 700) });
    expect(spoken.phases.slice(5, 7)).toMatchObject([
      { name: 'firmware', endMs: 2700 },
      { name: 'boot', endMs: 3100 },
    ]);
  });

  it('has the start of its own container where the supervisor says nothing, not that of a sidecar', () => {
    const running = (name: string, at: string) => ({
      ...{ name, ready: true, restartCount: 0 },
      state: { running: { startedAt: at } },
    });
    const containerStatuses = [running('istio-proxy', second(1)), running('function', second(4))];
    const { phases, boundMs } = makeColdStart({ ...pod, status: { ...pod.status, containerStatuses } }, events, null);
    expect(phases.at(-1)).toMatchObject({ name: 'start', endMs: 4000, boundMs: 1000 });
    expect(boundMs).toBe(1000);
  });

  it('has no phase of negative length where whole seconds hide the order', () => {
    const late = makeColdStart(pod, [event('Pulled', second(3))], marks);
    expect(late.phases.every(({ startMs, endMs }) => endMs >= startMs)).toBe(true);
  });

  it('says what is not known yet', () => {
    const early = makeColdStart(pod, [], null);
    expect(early).toMatchObject({ accel: null, why: /not said/ });
    expect(early.phases.map(({ name }) => name)).toEqual(['schedule']);
    const unasked = makeColdStart(pod, [], { ...marks, firstRequestNs: '0', firstAnsweredNs: '0' });
    expect(unasked.phases.at(-1)?.name).toBe('boot');
  });
});

describe('a cold start that can be read in part', () => {
  let server: ObjectServer;
  beforeEach(async () => {
    server = await openObjectServer();
    server.put('pods', { ...pod, metadata: { ...pod.metadata, labels: labelsOf('greet') } });
  });
  afterEach(() => server.close());

  it('is shown without the events that one may not see', async () => {
    server.refuse = (request) => (request === 'GET events' ? refusal(403, 'events is forbidden') : undefined);
    const { phases } = await readColdStart(server.cluster, 'greet');
    expect(phases.map(({ name }) => name)).toEqual(['schedule']);
  });

  it('is shown without the marks of a pod whose connection breaks', async () => {
    server.put('events', event('Pulled', second(2)));
    server.refuse = (request) => (request.endsWith('/proxy/marks') ? null : undefined);
    const { phases, why } = await readColdStart(server.cluster, 'greet');
    expect(phases.map(({ name }) => name)).toEqual(['schedule', 'pull']);
    expect(why).toMatch(/not said/);
  });

  it('is not there without a pod', async () => {
    server.remove('pods', 'app-1');
    await expect(readColdStart(server.cluster, 'greet')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

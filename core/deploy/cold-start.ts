/** A cold start on a cluster, from the cluster's own timestamps and the guest's marks. Pure but for `readColdStart`. */
import { z } from 'zod';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { ClusterColdStart } from '#shared/model/deploy.ts';
import { type Cluster, listPods, pathOf } from './cluster.ts';
import { isReady } from './judge-rollout.ts';
import type { EventObject, PodObject } from './kube/objects.ts';
import { containerOf } from './logs.ts';
import { podPorts } from './pod-image/pod-paths.ts';

/** The supervisor's answer at `/marks`. Units: ns since 1970 as decimal text; 0: not yet. */
const marksSchema = z.object({
  accel: z.enum(['kvm', 'tcg']),
  why: z.string(),
  startedNs: z.string(),
  vmmNs: z.string(),
  resumedNs: z.string(),
  /** The first byte on the guest's serial port. */
  spokeNs: z.string(),
  helloNs: z.string(),
  /** The guest's counter when it sent HELLO, its rate, and its marks: each an id of guest/PROTOCOL.md and a counter. */
  helloCounter: z.string(),
  counterHz: z.string(),
  bootMarks: z.array(z.tuple([z.number(), z.number()])),
  firstRequestNs: z.string(),
  firstAnsweredNs: z.string(),
});
export type PodMarks = z.output<typeof marksSchema>;

/** The API's own times have whole seconds: they lie up to one second before the real time. Units: ms. */
const apiBoundMs = 1000;
/** Two clocks of one node. Units: ms. */
const markBoundMs = 1;

interface Point {
  readonly name: ClusterColdStart['phases'][number]['name'];
  readonly endsAtMs: number;
  readonly boundMs: number;
  readonly source: string;
}

/** The phases from a pod, its events and the marks of its supervisor. Each begins where the one before ends. */
export function makeColdStart(
  pod: PodObject,
  events: readonly EventObject[],
  marks: PodMarks | null,
): ClusterColdStart {
  const beginsAtMs = Date.parse(pod.metadata.creationTimestamp ?? '');
  const points: Point[] = [];
  const addApi = (name: Point['name'], text: string | null | undefined, source: string) => {
    const at = Date.parse(text ?? '');
    if (!Number.isNaN(at)) points.push({ name, endsAtMs: at, boundMs: apiBoundMs, source });
  };
  const addMark = (name: Point['name'], text: string, source: string) => {
    if (text !== '0') points.push({ name, endsAtMs: msOf(text), boundMs: markBoundMs, source });
  };
  const eventAt = (reason: string) => {
    const found = events.find((event) => event.involvedObject.uid === pod.metadata.uid && event.reason === reason);
    return found?.firstTimestamp ?? found?.eventTime;
  };
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime;
  addApi('schedule', scheduled, 'condition PodScheduled');
  addApi('pull', eventAt('Pulled'), 'event Pulled');
  addApi('create', eventAt('Created'), 'event Created');
  const byApi = points.length;
  if (marks === null) {
    const own = pod.status?.containerStatuses?.find(({ name }) => name === containerOf(pod));
    addApi('start', own?.state?.running?.startedAt, 'containerStatus startedAt');
  } else {
    addMark('start', marks.startedNs, 'supervisor: first instruction');
    addMark('vmm', marks.resumedNs, 'supervisor: QEMU let run');
    points.push(...bootPoints(marks));
    addMark(
      'wait',
      marks.firstRequestNs === '0' ? '0' : laterOf(marks.firstRequestNs, marks.helloNs),
      'supervisor: request',
    );
    addMark('answer', marks.firstAnsweredNs, 'guest: RESPONSE');
  }
  const hasMarks = marks !== null && points.length > byApi;
  let startMs = 0;
  const phases = points.map(({ name, endsAtMs, source, ...point }, index) => {
    // The phase that begins by the API's times and ends by the node's clock has the bounds of both.
    const boundMs = hasMarks && index === byApi ? point.boundMs + apiBoundMs : point.boundMs;
    // Whole seconds may put one before the other: a phase is never negative.
    const endMs = Math.max(startMs, endsAtMs - beginsAtMs);
    const phase = { name, startMs, endMs, boundMs, source };
    startMs = endMs;
    return phase;
  });
  return {
    pod: pod.metadata.name,
    accel: marks?.accel ?? null,
    why: marks?.why ?? 'the pod has not said yet',
    totalMs: startMs,
    // It is counted from the pod's creation, which the API gives in whole seconds.
    boundMs: apiBoundMs + (hasMarks ? markBoundMs : 0),
    phases,
  };
}

const entryMark = 0;
const runtimeMark = 5;

/**
 * The end of firmware, kernel and runtime, as far as the guest has marked them.
 *
 * A mark lies as long before HELLO as the guest's counter says. HELLO was read a moment after it was sent: at most the
 * time that is left between the guest's first instruction and its start.
 */
function bootPoints(marks: PodMarks): Point[] {
  if (marks.helloNs === '0') return [];
  const helloMs = msOf(marks.helloNs);
  const counts = new Map(marks.bootMarks);
  const [entry, runtime] = [counts.get(entryMark), counts.get(runtimeMark)];
  const hz = Number(marks.counterHz);
  if (entry !== undefined && runtime !== undefined && hz > 0) {
    const agoMs = (counter: number) => ((Number(marks.helloCounter) - counter) / hz) * 1000;
    const boundMs = Math.max(markBoundMs, helloMs - msOf(marks.resumedNs) - agoMs(entry));
    return [
      { name: 'firmware', endsAtMs: helloMs - agoMs(entry), boundMs, source: 'guest: first instruction' },
      { name: 'kernel', endsAtMs: helloMs - agoMs(runtime), boundMs, source: 'guest: mark of its runtime' },
      { name: 'runtime', endsAtMs: helloMs, boundMs: markBoundMs, source: 'guest: HELLO' },
    ];
  }
  const spoke: Point = {
    name: 'firmware',
    endsAtMs: msOf(marks.spokeNs),
    boundMs: markBoundMs,
    source: 'guest: first byte on its serial port',
  };
  const boot: Point = { name: 'boot', endsAtMs: helloMs, boundMs: markBoundMs, source: 'guest: ready' };
  return marks.spokeNs === '0' || BigInt(marks.spokeNs) > BigInt(marks.helloNs) ? [boot] : [spoke, boot];
}

const msOf = (ns: string): number => Number(BigInt(ns) / 1000n) / 1000;

const laterOf = (one: string, other: string): string => (BigInt(one) > BigInt(other) ? one : other);

/**
 * The cold start of a function's newest pod, as far as it can be read: its events may be barred, and a pod in trouble does
 * not answer. Errors: NOT_FOUND when there is none; CLUSTER_*.
 */
export async function readColdStart(cluster: Cluster, name: string, signal?: AbortSignal): Promise<ClusterColdStart> {
  const pods = [...(await listPods(cluster, name, signal))].sort((a, b) =>
    (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
  );
  const pod = pods.find(isReady) ?? pods[0];
  if (pod === undefined) {
    throw new FirstlightError('NOT_FOUND', `${name} has no pod in ${cluster.namespace}.`, {
      details: { subject: name },
    });
  }
  const [events, marks] = await Promise.all([listEvents(cluster, pod, signal), readMarks(cluster, pod, signal)]);
  return makeColdStart(pod, events, marks);
}

/** None where one may not see them. */
async function listEvents(cluster: Cluster, { metadata }: PodObject, signal?: AbortSignal) {
  try {
    const query = { fieldSelector: `involvedObject.uid=${metadata.uid}` };
    const path = pathOf(cluster, 'events');
    const found = await cluster.client.json<{ items?: readonly EventObject[] }>(path, { query, signal });
    return found.items ?? [];
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return [];
    throw thrown;
  }
}

/** Null while the supervisor does not answer. */
async function readMarks(cluster: Cluster, { metadata }: PodObject, signal?: AbortSignal): Promise<PodMarks | null> {
  const path = `${pathOf(cluster, 'pods', `${metadata.name}:${podPorts.status}`)}/proxy/marks`;
  try {
    const { status, text } = await cluster.client.raw(path, { signal });
    if (status !== 200) return null;
    return marksSchema.parse(JSON.parse(text));
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'CANCELLED') throw thrown;
    return null;
  }
}

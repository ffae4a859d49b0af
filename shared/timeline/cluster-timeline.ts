/** A cold start on a cluster in the phases of other starts, so that one view draws both. Pure. */
import type { ClusterColdStart } from '../model/deploy.ts';
import { type BootTimeline, type Mark, type PhaseName, phaseNames } from '../model/timeline.ts';
import { ns } from '../model/units.ts';

type ClusterPhase = ClusterColdStart['phases'][number];

/**
 * The phase of each stretch. `wait` ends when the first request has arrived: the end of `function`. `boot` lasts until the
 * guest's report that it is up, for a guest without marks of its own.
 */
const phaseOf: Readonly<Record<ClusterPhase['name'], PhaseName>> = {
  schedule: 'prepare',
  pull: 'prepare',
  create: 'prepare',
  start: 'prepare',
  vmm: 'vmm',
  firmware: 'firmware',
  kernel: 'kernel',
  runtime: 'runtime',
  boot: 'kernel',
  wait: 'function',
  answer: 'handler',
};

/** The event at the end of a stretch. */
const endLabels: Readonly<Record<ClusterPhase['name'], string>> = {
  schedule: 'pod scheduled',
  pull: 'image pulled',
  create: 'container created',
  start: 'container started',
  vmm: 'guest started',
  firmware: 'kernel entered',
  kernel: 'runtime entered',
  runtime: 'guest ready',
  boot: 'guest ready',
  wait: 'first request',
  answer: 'first response',
};

/** The timeline of a start on a cluster, from the request for its pod. */
export function makeClusterTimeline({ phases: stretches, accel, totalMs }: ClusterColdStart): BootTimeline {
  let startNs = 0;
  let errorNs = 0;
  const phases = phaseNames.map((name) => {
    const own = stretches.filter((stretch) => phaseOf[stretch.name] === name);
    const last = own.at(-1);
    const endNs = last === undefined ? startNs : toNs(last.endMs);
    const phase = { name, startNs: ns(startNs), durationNs: ns(endNs - startNs), errorNs: ns(errorNs) };
    startNs = endNs;
    if (last !== undefined) errorNs = toNs(last.boundMs);
    return phase;
  });
  const marks = stretches.map(
    ({ name, endMs, boundMs, source }): Mark => ({
      name: `cluster.${name}`,
      label: endLabels[name],
      atNs: ns(toNs(endMs)),
      source: source.startsWith('guest') ? 'guest' : source.startsWith('supervisor') ? 'host' : 'cluster',
      clock: 'node-wall',
      errorNs: ns(toNs(boundMs)),
    }),
  );
  return {
    startMode: 'cold',
    accel: accel ?? 'tcg',
    totalNs: ns(toNs(totalMs)),
    complete: stretches.some(({ name }) => name === 'answer'),
    phases,
    ahead: null,
    marks,
  };
}

const toNs = (ms: number): number => Math.round(ms * 1e6);

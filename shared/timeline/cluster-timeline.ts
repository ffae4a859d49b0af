/** A cold start on a cluster in the phases of any other, so that both are drawn by the same view. Pure. */
import type { ClusterColdStart } from '../model/deploy.ts';
import { type BootTimeline, type Mark, type PhaseName, phaseNames } from '../model/timeline.ts';
import { ns } from '../model/units.ts';

type ClusterPhase = ClusterColdStart['phases'][number];

/**
 * Where each stretch belongs. `wait` ends when the first request has come in: that is when `function` ends. Firmware, kernel
 * and runtime are one stretch, from the guest's first instruction to its own word that it is up.
 */
const phaseOf: Readonly<Record<ClusterPhase['name'], PhaseName>> = {
  schedule: 'prepare',
  pull: 'prepare',
  create: 'prepare',
  start: 'prepare',
  vmm: 'vmm',
  boot: 'kernel',
  wait: 'function',
  answer: 'handler',
};

/** What has happened when a stretch is over. */
const endLabels: Readonly<Record<ClusterPhase['name'], string>> = {
  schedule: 'pod scheduled',
  pull: 'image pulled',
  create: 'container created',
  start: 'container started',
  vmm: 'guest started',
  boot: 'guest ready',
  wait: 'first request',
  answer: 'first response',
};

/** The timeline of a start on a cluster, from the moment that its pod was asked for. */
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

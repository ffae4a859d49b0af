import { connect } from 'node-libvirt';
import type { Run } from '#shared/model/run.ts';
import { type PhaseName, phaseNames } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { measureNanos, nanosDir } from './coldstart-nanos.ts';
import { round, summarize } from './figures.ts';
import { createFloor } from './floor.ts';
import { benchUri } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

/** One start mode against its floor. Units: ms; `ratio` of the medians. */
interface ModeResult {
  /** The smallest guest: from the same libvirt call to its first serial byte. */
  readonly floorMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly ratio: number;
  /** Median of each phase. */
  readonly breakdown: Readonly<Record<PhaseName, number>>;
  /** The same starts as the client sees them: from the call to its answer, with the run recorded. */
  readonly callMedianMs: number;
  readonly runs: number;
}

interface Sample {
  readonly floorMs: number;
  readonly callMs: number;
  readonly totalMs: number;
  readonly phases: readonly { readonly name: PhaseName; readonly durationNs: number }[];
}

/**
 * Click to response of `hello` on Ember, cold and prestarted, against the floor; all four are taken in turn, so that
 * other work of the machine affects all of them equally.
 */
export async function benchColdstart({ runs = 10, log }: BenchOptions) {
  const studio = await openStudio();
  const connection = await connect({ uri: benchUri });
  try {
    const project = await studio.createProject('bench-hello');
    log('building and starting once to warm up');
    await studio.client.call('builds:build', { projectId: project.id });
    const first = await runOnce(studio, project.id, 'cold');
    const accel = first.run.instance?.accel ?? 'tcg';
    const floor = createFloor(connection, accel, studio.home);
    await floor.measureCold();

    const cold: Sample[] = [];
    const prestarted: Sample[] = [];
    for (let turn = 1; turn <= runs; turn += 1) {
      cold.push({ floorMs: await floor.measureCold(), ...(await takeSample(studio, project.id, 'cold')) });
      await studio.client.call('builds:build', { projectId: project.id, startMode: 'prestarted' });
      await studio.waitForPrestarted(project.id);
      prestarted.push({
        floorMs: await floor.measureResume(),
        ...(await takeSample(studio, project.id, 'prestarted')),
      });
      log(`${turn}/${runs}: cold ${describe(cold)}; prestarted ${describe(prestarted)}`);
    }
    const ember = { accel, cold: sumUp(cold), prestarted: sumUp(prestarted) };
    return { ...ember, nanos: await benchNanos(runs, log) };
  } finally {
    await connection.close();
    await studio.close();
  }
}

async function benchNanos(runs: number, log: BenchOptions['log']) {
  if (nanosDir === undefined) return { skipped: 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' };
  log('Node.js on Nanos');
  return await measureNanos(runs, log);
}

async function runOnce(studio: Studio, projectId: ProjectId, startMode: 'cold' | 'prestarted') {
  const sentAtMs = performance.now();
  const run = await studio.client.call('instances:run', { projectId, startMode, lifetime: 'session' });
  const callMs = performance.now() - sentAtMs;
  if (run.instance) await studio.removeInstance(run.instance.id);
  return { run, callMs };
}

async function takeSample(studio: Studio, projectId: ProjectId, startMode: 'cold' | 'prestarted') {
  const { run, callMs } = await runOnce(studio, projectId, startMode);
  const timeline = readTimeline(run, startMode);
  return { callMs, totalMs: timeline.totalNs / 1e6, phases: timeline.phases };
}

/** Errors: throws when the run failed or did not start in the requested mode: its time is not a measurement. */
function readTimeline(run: Run, startMode: 'cold' | 'prestarted') {
  const { timeline, outcome, error } = run;
  if (outcome !== 'ok' || !timeline?.complete) {
    throw new Error(`a ${startMode} run came out as ${outcome}: ${error?.message ?? 'no error was given'}`);
  }
  if (timeline.startMode !== startMode)
    throw new Error(`asked for a ${startMode} start, got a ${timeline.startMode} one`);
  return timeline;
}

const describe = (samples: readonly Sample[]) => {
  const last = samples.at(-1);
  return last ? `${round(last.totalMs)} ms (floor ${round(last.floorMs)} ms)` : '';
};

function sumUp(samples: readonly Sample[]): ModeResult {
  const total = summarize(samples.map((sample) => sample.totalMs));
  const floorMs = quantile(
    samples.map((sample) => sample.floorMs),
    0.5,
  );
  const medianOf = (name: PhaseName) =>
    round(
      quantile(
        samples.map((sample) => (sample.phases.find((phase) => phase.name === name)?.durationNs ?? 0) / 1e6),
        0.5,
      ),
    );
  return {
    floorMs: round(floorMs),
    medianMs: total.median,
    p95Ms: total.p95,
    ratio: round(total.median / floorMs),
    breakdown: Object.fromEntries(phaseNames.map((name) => [name, medianOf(name)])) as Record<PhaseName, number>,
    callMedianMs: summarize(samples.map((sample) => sample.callMs)).median,
    runs: samples.length,
  };
}

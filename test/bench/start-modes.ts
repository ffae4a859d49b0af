/** Click to response of `hello` in each start mode, under libvirt and in Firecracker, beside the floor. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node-libvirt';
import { findFirecracker, firecrackerHostName } from '#core/vmm/firecracker/find-firecracker.ts';
import type { Run } from '#shared/model/run.ts';
import { isAheadMode, phaseNames, type StartMode, startModes } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { restoreOf } from '#shared/timeline/index.ts';
import { round } from './figures.ts';
import { createFloor } from './floor.ts';
import { benchUri } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

const median = (values: readonly number[]) => round(quantile(values, 0.5));

/** What follows an answer (the check of the sources, the end of the machine, the next one) is over at a person's next click. */
const betweenClicksMs = 500;

/** All modes of both VMMs and the floor in turn, so that other work of the machine affects all equally. Units: ms. */
export async function compareStartModes(runs: number, log: BenchOptions['log']) {
  const studio = await openStudio();
  const connection = await connect({ uri: benchUri });
  try {
    const { id } = await studio.createProject('bench-modes');
    const hosts = (await findFirecracker({ get: async () => ({}) }, process.env)) === null ? [] : [firecrackerHostName];
    // Fills caches, finds the accelerator, and saves the guests.
    for (const host of [undefined, ...hosts]) for (const mode of startModes) await runOnce(studio, id, mode, host);
    const first = await runOnce(studio, id, 'cold', undefined);
    const floor = createFloor(connection, first.instance?.accel ?? 'tcg', studio.home);
    const floors: number[] = [];
    const seen = new Map<string, Run[]>();
    for (let turn = 1; turn <= runs; turn++) {
      floors.push(await floor.measureCold());
      for (const host of [undefined, ...hosts]) {
        for (const mode of startModes) {
          await prepare(studio, id, mode, host);
          await sleep(betweenClicksMs);
          const key = `${host ?? 'libvirt'} ${mode}`;
          seen.set(key, [...(seen.get(key) ?? []), await runOnce(studio, id, mode, host)]);
        }
      }
      log(`modes ${turn}/${runs}`);
    }
    const floorMs = median(floors);
    const modes = Object.fromEntries([...seen].map(([key, some]) => [key, sumUp(some, floorMs)]));
    return { accel: first.instance?.accel, floorMs, runs, ...modes };
  } finally {
    await connection.close();
    await studio.close();
  }
}

/** Makes what the mode needs, as a studio does between two clicks. */
async function prepare(studio: Studio, projectId: ProjectId, startMode: StartMode, host: string | undefined) {
  if (!isAheadMode(startMode)) return;
  if (host === undefined) await studio.client.call('builds:prestart', { projectId, startMode });
  else if (startMode !== 'restored') {
    // On another host a run leaves the next instance behind.
    await runOnce(studio, projectId, startMode, host);
    const isThere = async () =>
      (await studio.client.call('instances:list', {})).some((one) => one.host === host && one.state === startMode);
    for (const end = performance.now() + 30_000; !(await isThere()); await sleep(20)) {
      if (performance.now() > end) throw new Error(`no ${startMode} instance waits on ${host} after 30 s`);
    }
  }
}

/** Errors: throws when the run failed or did not start in the requested mode: its time is not a measurement. */
async function runOnce(studio: Studio, projectId: ProjectId, startMode: StartMode, host: string | undefined) {
  const place = host === undefined ? {} : { host };
  const run = await studio.client.call('instances:run', { projectId, startMode, lifetime: 'session', ...place });
  if (run.instance) await studio.removeInstance(run.instance.id);
  if (run.error !== null || run.startMode !== startMode)
    throw new Error(`a ${startMode} run came out as ${run.startMode}: ${run.error?.message ?? 'no error'}`);
  return run;
}

function sumUp(runs: readonly Run[], floorMs: number) {
  const timelines = runs.flatMap(({ timeline }) => timeline ?? []);
  const totals = timelines.map(({ totalNs }) => totalNs / 1e6);
  const lengths = phaseNames.map((name) => {
    const all = timelines.map(({ phases }) => (phases.find((one) => one.name === name)?.durationNs ?? 0) / 1e6);
    return [name, median(all)] as const;
  });
  const restores = timelines.flatMap((timeline) => restoreOf(timeline)?.durationNs ?? []).map((ns) => ns / 1e6);
  return {
    median: median(totals),
    min: round(Math.min(...totals)),
    ratioToFloor: round(median(totals) / floorMs),
    phases: Object.fromEntries(lengths.filter(([, ms]) => ms > 0)),
    ...(restores.length > 0 && { restore: median(restores) }),
  };
}

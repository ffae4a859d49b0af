import type { Project } from '#shared/model/project.ts';
import { createNanosProject, nanosDir } from './coldstart-nanos.ts';
import { summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

/**
 * The time from a one-line edit to a bootable image, and to the response of its cold start.
 *
 * Units: ms. `image` and `response` count from the moment the edited file is on disk; `engineBuild` is the engine's own
 * time of the build.
 */
export async function benchRebuild({ runs = 15, log }: BenchOptions) {
  const studio = await openStudio();
  try {
    const project = await studio.createProject('bench-rebuild');
    await studio.client.call('builds:build', { projectId: project.id });
    const edit = await prepareEdits(studio, project);

    const { image, engineBuild } = await rebuildOften(studio, project, edit, runs);
    log(`image after ${summarize(image).median} ms`);

    const runOnce = async () => {
      const run = await studio.client.call('instances:run', { projectId: project.id, startMode: 'cold' });
      if (run.outcome !== 'ok' || run.instance === null) {
        throw new Error(`a run came out as ${run.outcome}: ${run.error?.message}`);
      }
      return run.instance.id;
    };
    // The first start in a new home checks whether KVM works, which takes two seconds where it does not.
    await studio.removeInstance(await runOnce());
    const response: number[] = [];
    // Each one takes two seconds longer to stop than to start: fewer turns are enough.
    for (let turn = 1; turn <= Math.ceil(runs / 3); turn += 1) {
      await edit();
      const savedAtMs = performance.now();
      const instanceId = await runOnce();
      response.push(performance.now() - savedAtMs);
      await studio.removeInstance(instanceId);
    }
    log(`response after ${summarize(response).median} ms`);
    const ember = { imageMs: summarize(image), engineBuildMs: summarize(engineBuild), responseMs: summarize(response) };
    return { ...ember, nanos: await rebuildNanos(studio, runs, log) };
  } finally {
    await studio.close();
  }
}

/** The same edit of the same function on Node.js in Nanos, where there is a build of Nanos. */
async function rebuildNanos(studio: Studio, runs: number, log: BenchOptions['log']) {
  if (nanosDir === undefined) return { skipped: 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' };
  const project = await createNanosProject(studio, 'bench-rebuild-nanos');
  const first = await studio.client.call('builds:build', { projectId: project.id });
  const { image, engineBuild } = await rebuildOften(studio, project, await prepareEdits(studio, project), runs);
  log(`image for Nanos after ${summarize(image).median} ms`);
  return { firstBuildMs: first.buildMs, imageMs: summarize(image), engineBuildMs: summarize(engineBuild) };
}

async function rebuildOften(studio: Studio, project: Project, edit: () => Promise<void>, runs: number) {
  const image: number[] = [];
  const engineBuild: number[] = [];
  for (let turn = 1; turn <= runs; turn += 1) {
    await edit();
    const savedAtMs = performance.now();
    const built = await studio.client.call('builds:build', { projectId: project.id });
    image.push(performance.now() - savedAtMs);
    engineBuild.push(built.buildMs);
    if (built.cached) throw new Error('the edit changed nothing: the build came from the cache');
  }
  return { image, engineBuild };
}

/** Returns a function that changes one line of the entry file to a new text. */
async function prepareEdits(studio: Studio, project: Project): Promise<() => Promise<void>> {
  const path = project.config?.entry ?? 'handler.ts';
  const { text } = await studio.client.call('projects:readFile', { projectId: project.id, path });
  let count = 0;
  return async () => {
    count += 1;
    const edited = `${text}\nexport const edition = ${count};\n`;
    await studio.client.call('projects:writeFile', { projectId: project.id, path, text: edited });
  };
}

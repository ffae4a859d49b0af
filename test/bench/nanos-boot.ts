import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { runTool } from '#core/exec/run-tool.ts';
import type { PhaseName } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

const boots = ['disk', 'direct'] as const;
type Boot = (typeof boots)[number];

/** One start. Units: ms; `answered` from the call that resumes the machine. */
interface Sample {
  readonly answered: number;
  readonly firmware: number;
  readonly kernel: number;
}

/**
 * Nanos from its disk and loaded directly, in turn: a function on Node.js, and a server in C.
 *
 * Units: ms, from the resume of a machine that was created paused to the first answer; `ratio` of the medians.
 */
export async function benchNanosBoot({ runs = 12, log }: BenchOptions) {
  const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
  if (nanosDir === undefined) return { skipped: 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' };
  const studio = await openStudio();
  try {
    await studio.client.call('kernels:install', { runtime: 'nanos', from: nanosDir });
    const server = await compileServer(studio.home);
    const before = loadavg()[0];
    const node = await measure(
      runs,
      (line) => log(`node: ${line}`),
      studio,
      (boot) => createFunction(studio, boot),
    );
    const c = await measure(
      runs,
      (line) => log(`c: ${line}`),
      studio,
      (boot) => createServer(studio, boot, server),
    );
    return { node, c, load: [before, loadavg()[0]], runs };
  } finally {
    await studio.close();
  }
}

async function measure(
  runs: number,
  log: BenchOptions['log'],
  studio: Studio,
  create: (boot: Boot) => Promise<ProjectId>,
) {
  const samples: Record<Boot, Sample[]> = { disk: [], direct: [] };
  const projects = { disk: await create('disk'), direct: await create('direct') };
  for (const boot of boots) await takeSample(studio, projects[boot]);
  for (let turn = 1; turn <= runs; turn += 1) {
    for (const boot of boots) samples[boot].push(await takeSample(studio, projects[boot]));
    log(
      `${turn}/${runs}: ${boots.map((boot) => `${boot} ${round(samples[boot].at(-1)?.answered ?? 0)} ms`).join(', ')}`,
    );
  }
  const summaries = { disk: sumUp(samples.disk), direct: sumUp(samples.direct) };
  return { ...summaries, ratio: round(summaries.direct.answered.median / summaries.disk.answered.median) };
}

const sumUp = (samples: readonly Sample[]) => ({
  answered: summarize(samples.map(({ answered }) => answered)),
  firmware: summarize(samples.map(({ firmware }) => firmware)).median,
  kernel: summarize(samples.map(({ kernel }) => kernel)).median,
});

/** Errors: throws when the run failed: its time is not a measurement. */
async function takeSample(studio: Studio, projectId: ProjectId): Promise<Sample> {
  const { timeline, outcome, error, instance } = await studio.client.call('instances:run', {
    projectId,
    lifetime: 'session',
  });
  if (instance) await studio.removeInstance(instance.id);
  const resumed = timeline?.marks.find(({ name }) => name === 'domain.resume');
  if (outcome !== 'ok' || timeline == null || resumed === undefined) throw new Error(`a run failed: ${error?.message}`);
  const phase = (wanted: PhaseName) => (timeline.phases.find(({ name }) => name === wanted)?.durationNs ?? 0) / 1e6;
  return { answered: (timeline.totalNs - resumed.atNs) / 1e6, firmware: phase('firmware'), kernel: phase('kernel') };
}

async function createFunction(studio: Studio, boot: Boot): Promise<ProjectId> {
  const dir = join(studio.home, 'projects', `node-${boot}`);
  await studio.client.call('projects:create', { name: `node-${boot}`, template: 'hello', dir });
  return await open(studio, dir, { name: `node-${boot}`, runtime: 'nanos', nanos: { boot } });
}

async function createServer(studio: Studio, boot: Boot, program: string): Promise<ProjectId> {
  const dir = join(studio.home, 'projects', `c-${boot}`);
  mkdirSync(dir, { recursive: true });
  return await open(studio, dir, { name: `c-${boot}`, runtime: 'nanos', memoryMiB: 64, program, nanos: { boot } });
}

async function open(studio: Studio, dir: string, config: object): Promise<ProjectId> {
  writeFileSync(join(dir, 'firstlight.json'), JSON.stringify(config));
  return (await studio.client.call('projects:open', { dir })).id;
}

/** A static server that answers every request with one line. */
async function compileServer(home: string): Promise<string> {
  const path = join(home, 'server');
  writeFileSync(`${path}.c`, serverSource);
  await runTool('gcc', ['-static', '-O1', '-o', path, `${path}.c`]);
  chmodSync(path, 0o755);
  return path;
}

const serverSource = `
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  static const char answer[] = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi";
  char request[2048];
  int s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080) };
  bind(s, (struct sockaddr *)&a, sizeof a);
  listen(s, 8);
  for (;;) {
    int c = accept(s, 0, 0);
    if (read(c, request, sizeof request) > 0) write(c, answer, sizeof answer - 1);
    close(c);
  }
}`;

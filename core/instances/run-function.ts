import { setTimeout as sleep } from 'node:timers/promises';
import type { Accelerator } from '#core/doctor/accelerator.ts';
import type { Build } from '#core/images/image-store.ts';
import type { LibvirtLink } from '#core/libvirt/libvirt-link.ts';
import { toEpochMs } from '#core/metrics/read-stats.ts';
import { type Sampler, summarize } from '#core/metrics/sampler.ts';
import { newRunId, type RunRecorder, type RunStore, summarizeRun } from '#core/store/run-store.ts';
import type { CallContext, CallRequest, EventListener } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError, toWireError } from '#shared/errors.ts';
import type { MetricSample } from '#shared/model/metrics.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { type HostNs, hostNs, type ProjectId, type RunId } from '#shared/model/units.ts';
import type { TickRate } from '#shared/timeline/index.ts';
import type { Launched } from './launch.ts';
import type { LiveInstance } from './live-instance.ts';
import type { MapError } from './map-error.ts';
import { drawTimeline, type StartObservation } from './observe-start.ts';
import type { PrestartPool } from './prestart-pool.ts';
import type { Registry } from './registry.ts';
import type { LaunchSpec } from './types.ts';

export interface RunnerOptions {
  readonly link: LibvirtLink;
  readonly getProject: (id: ProjectId) => Promise<Project>;
  /** Builds, telling listeners of it. */
  readonly build: (project: Project, context: CallContext) => Promise<Build>;
  readonly runs: RunStore;
  readonly registry: Registry;
  readonly pool: PrestartPool;
  readonly sampler: Sampler;
  readonly accelerator: Accelerator;
  readonly mapError: MapError;
  /** Why starts take long on this machine, or null. */
  readonly explainSlowStarts: () => Promise<string | null>;
  /** How long a tick lasts, as the last run found it. */
  readonly tickRate: { readonly get: () => TickRate | undefined; readonly set: (rate: TickRate) => void };
  readonly emit: EventListener;
  readonly log: (line: string) => void;
}

export type RunRequest = CallRequest<'instances:run'>;

/** Round trips that tie the guest's clock to ours; more would narrow its error no further. */
const clockSampleCount = 6;
/** The next prestarted instance is made when nobody waits for the machine any more. */
const prestartDelayMs = 50;

/** Runs functions: build, boot, invoke once, and a record of all that was seen. */
export function createRunner(options: RunnerOptions): (request: RunRequest, context: CallContext) => Promise<Run> {
  const { link, runs, registry, pool, sampler, accelerator, tickRate, emit } = options;

  return async (request, context) => {
    const clickNs = now();
    const startedAt = new Date().toISOString();
    const { signal, progress } = context;
    // What the run needs besides the image; asked for now, so that it is there when the image is.
    const connecting = link.connection();
    const choosing = accelerator.choose();
    for (const wanted of [connecting, choosing]) wanted.catch(() => undefined);

    const project = await options.getProject(request.projectId);
    const build = await options.build(project, context);
    await connecting;
    if (accelerator.known() === null) progress({ step: 'probe', message: 'Finding out whether KVM works here' });
    const accel = (await choosing).kind;
    throwIfCancelled(signal);

    const { config } = build.bundle;
    const keep = request.lifetime === 'forever';
    const runId = newRunId();
    const spec: LaunchSpec = {
      projectId: project.id,
      config,
      image: build.image,
      startMode: 'cold',
      accel,
      keep,
      runId,
      signal,
    };
    // What is to outlive us cannot be made ahead: prestarted instances end with their process.
    const waiting = request.startMode === 'prestarted' && !keep ? await pool.take(spec) : null;
    const aheadOfClick = waiting !== null && waiting.times.connectedNs <= clickNs;
    const seen: StartObservation = {
      clickNs,
      startMode: aheadOfClick ? 'prestarted' : 'cold',
      accel,
      imageReadyNs: now(),
      launch: waiting?.times ?? null,
      resumeSentNs: null,
      resumedNs: null,
      result: null,
      clockSamples: [],
      rate: tickRate.get(),
      endedEarlyNs: null,
    };
    let run = newRun(runId, request, project, build, seen, startedAt);

    let instance: LiveInstance | null = waiting?.instance ?? null;
    let recording: Promise<RunRecorder> | null = null;
    let failure: FirstlightError | null = null;
    let samples: MetricSample[] = [];
    try {
      const launched = waiting ?? (await launch(spec, context));
      instance = launched.instance;
      seen.launch = launched.times;
      const answering = instance.invoke({ event: request.event, timeoutMs: config.timeoutMs, signal });
      answering.catch(() => undefined);
      const resume = instance.resumeFirst();
      seen.resumeSentNs = resume.sentNs;
      resume.doneNs.then(
        (doneNs) => {
          seen.resumedNs = doneNs;
        },
        () => undefined,
      );
      // From here on the guest boots: what follows goes on beside it.
      void sampler.sampleNow([instance]);
      run = { ...run, instance: describe(instance) };
      instance.setRun(runId);
      recording = runs.begin(run);
      recording.then((recorder) => instance?.console.record({ write: recorder.appendConsole })).catch(() => undefined);
      seen.result = await answering;
      const { outcome } = seen.result;
      if (!outcome.ok) failure = outcome.error;
      if (!outcome.ok && outcome.fatal) seen.endedEarlyNs = seen.result.receivedAtNs;
      await sampler.sampleNow([instance]);
      samples = sampler.recent(instance.record.id);
      if (!instance.isOver) seen.clockSamples = await instance.sampleClock(clockSampleCount).catch(() => []);
    } catch (thrown) {
      failure = toFirstlightError(thrown);
      seen.endedEarlyNs = now();
    }

    const { timeline, rate } = drawTimeline(seen);
    if (rate !== null) tickRate.set(rate);
    const error = failure === null ? null : await options.mapError(failure, build.bundle.id);
    const answer = seen.result?.outcome;
    run = {
      ...run,
      outcome: error === null ? 'ok' : error.code === 'CANCELLED' ? 'cancelled' : 'failed',
      instance: instance === null ? null : describe(instance),
      response: answer?.ok ? answer.response : null,
      error: error === null ? null : toWireError(error),
      timeline,
      metrics: summarize(samples),
      samples,
    };
    if (instance !== null && (request.lifetime === 'stop' || error?.code === 'CANCELLED')) instance.stop();
    await keepRun(run, recording);
    emit('runs:added', { run: summarizeRun(run) });
    if (request.startMode === 'prestarted' && error?.code !== 'CANCELLED') {
      void sleep(prestartDelayMs, undefined, { ref: false }).then(() =>
        pool.prepare({ ...spec, startMode: 'prestarted', keep: false, runId: null, signal: undefined }),
      );
    }
    if (error?.code === 'CANCELLED') throw error;
    return run;
  };

  async function launch(spec: LaunchSpec, { progress }: CallContext): Promise<Launched> {
    const slow = await options.explainSlowStarts();
    progress({ step: 'boot', message: `Starting ${spec.config.name}${slow === null ? '' : ` (${slow})`}` });
    return await registry.launch(spec);
  }

  /** A disk that takes no more is no reason to hide the answer that a person waits for. */
  async function keepRun(run: Run, recording: Promise<RunRecorder> | null): Promise<void> {
    try {
      const recorder = await (recording ?? runs.begin({ ...run, outcome: 'running' }));
      await recorder.flushConsole();
      await recorder.finish(run);
    } catch (thrown) {
      options.log(`The run ${run.id} was not kept: ${toFirstlightError(thrown).message}`);
    }
  }
}

/** The record of a run at its beginning. */
function newRun(
  id: RunId,
  request: RunRequest,
  project: Project,
  { image, bundle, result }: Build,
  { startMode, clickNs }: StartObservation,
  startedAt: string,
): Run {
  return {
    id,
    projectId: project.id,
    functionName: bundle.config.name,
    projectDir: project.dir,
    runtime: image.runtime,
    startedAt,
    clickedAtMs: toEpochMs(clickNs),
    startMode,
    outcome: 'running',
    image: { id: image.id, bytes: image.bytes, cached: result.cached, buildMs: result.buildMs },
    instance: null,
    event: request.event,
    response: null,
    error: null,
    timeline: null,
    metrics: null,
    samples: [],
  };
}

function describe(instance: LiveInstance): NonNullable<Run['instance']> {
  const { id, domain, uri, accel, memoryMiB, vcpus } = instance.info;
  return { id, domain, uri, accel, memoryMiB, vcpus };
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new FirstlightError('CANCELLED', 'The run was cancelled.');
}

const now = (): HostNs => hostNs(Number(process.hrtime.bigint()));

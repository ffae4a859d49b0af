import type { Build } from '#core/images/image-store.ts';
import { toEpochMs } from '#core/metrics/epoch-ms.ts';
import { summarize } from '#core/metrics/sampler.ts';
import { digestJson } from '#core/store/digest-json.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { RunRecorder, RunStore } from '#core/store/run-store.ts';
import type { EventListener } from '#shared/contract/index.ts';
import { FirstlightError, toWireError } from '#shared/errors.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { Json } from '#shared/model/json.ts';
import type { MetricSample } from '#shared/model/metrics.ts';
import type { Project } from '#shared/model/project.ts';
import type { Response, Run } from '#shared/model/run.ts';
import type { BootTimeline, StartMode } from '#shared/model/timeline.ts';
import type { HostNs, RunId } from '#shared/model/units.ts';
import type { LiveInstance } from './live-instance.ts';

export interface RunBeginning {
  readonly id: RunId;
  readonly project: Project;
  readonly build: Build;
  readonly event: Json;
  readonly startMode: StartMode;
  readonly accel: Accel;
  /** The address of the host that runs it. */
  readonly host: string;
  readonly clickNs: HostNs;
  /** The click on the wall clock. */
  readonly startedAt: string;
  readonly waitedMs?: number;
}

/** The record of a run at its beginning. */
export function beginRun(beginning: RunBeginning): Run {
  const { id, project, build, event, startMode, accel, host, clickNs, startedAt, waitedMs } = beginning;
  const { image, bundle, result } = build;
  return {
    id,
    projectId: project.id,
    functionName: bundle.config.name,
    projectDir: project.dir,
    runtime: image.runtime,
    startedAt,
    clickedAtMs: toEpochMs(clickNs),
    startMode,
    ...(waitedMs !== undefined && { waitedMs }),
    outcome: 'running',
    subject: {
      imageId: image.id,
      bundleId: bundle.id,
      host,
      accel,
      startMode,
      eventDigest: digestJson(event),
      commit: null,
    },
    image: { id: image.id, bytes: image.bytes, cached: result.cached, buildMs: result.buildMs },
    instance: null,
    event,
    response: null,
    error: null,
    timeline: null,
    metrics: null,
    samples: [],
  };
}

/** The record of a run whose start begins again in another mode: the time before is waited, not measured. */
export function beginAgain(
  run: Run,
  { clickNs, startMode }: { readonly clickNs: HostNs; readonly startMode: StartMode },
): Run {
  const clickedAtMs = toEpochMs(clickNs);
  const waitedMs = Math.round((run.waitedMs ?? 0) + clickedAtMs - run.clickedAtMs);
  return { ...run, clickedAtMs, startMode, waitedMs, subject: run.subject && { ...run.subject, startMode } };
}

/** The record of a run that has an instance. */
export function withInstance(run: Run, instance: LiveInstance | null): Run {
  if (instance === null) return { ...run, instance: null };
  const { id, domain, uri, accel, memoryMiB, vcpus } = instance.info;
  return { ...run, instance: { id, domain, uri, accel, memoryMiB, vcpus } };
}

export interface RunEnding {
  readonly error: FirstlightError | null;
  readonly response: Response | null;
  /** Null when nothing was started. */
  readonly timeline: BootTimeline | null;
  readonly samples: readonly MetricSample[];
  /** The commit that the project's sources belong to, or null. */
  readonly commit: string | null;
  /** When the answer or the failure arrived: later use of resources is not part of the start. */
  readonly endedNs: HostNs;
}

/** The whole record of a run. */
export function endRun(run: Run, ending: RunEnding): Run {
  const { error, response, timeline, samples, commit, endedNs } = ending;
  const endedAtMs = toEpochMs(endedNs);
  return {
    ...run,
    outcome: error === null ? 'ok' : error.code === 'CANCELLED' ? 'cancelled' : 'failed',
    subject: run.subject && { ...run.subject, commit },
    response,
    error: error === null ? null : toWireError(error),
    timeline,
    metrics: summarize(samples.filter(({ atMs }) => atMs <= endedAtMs)),
    samples: [...samples],
  };
}

/** Stores a run. One that cannot be stored is a warning: its response is still delivered. */
export async function keepRun(
  { runs, emit }: { readonly runs: RunStore; readonly emit: EventListener },
  run: Run,
  recording: Promise<RunRecorder> | null,
): Promise<void> {
  try {
    const recorder = await (recording ?? runs.begin({ ...run, outcome: 'running' }));
    await recorder.flushConsole();
    await recorder.finish(run);
  } catch (thrown) {
    const { code, message, hint, details } = toFirstlightError(thrown);
    const error = new FirstlightError(code, `The run ${run.id} was not kept. ${message}`, { hint, details });
    emit('app:warned', { error: toWireError(error) });
  }
}

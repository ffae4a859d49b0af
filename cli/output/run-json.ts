import { fromWireError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Body, Response, Run } from '#shared/model/run.ts';
import type { BootTimeline, Phase } from '#shared/model/timeline.ts';
import { nsToMs } from '#shared/model/units.ts';
import { roundTimeline } from '#shared/timeline/index.ts';
import { errorJson } from './print-error.ts';

/** The output of `run --json`. Shape: as in the README; `error` is present only when the run failed. */
export function runJson(run: Run): Record<string, unknown> {
  const { instance } = run;
  return {
    ...(run.error !== null && { error: errorJson(fromWireError(run.error)) }),
    function: run.functionName,
    runtime: run.runtime,
    image: run.image,
    instance:
      instance === null ? null : { id: instance.id, domain: instance.domain, uri: instance.uri, accel: instance.accel },
    response: run.response === null ? null : responseJson(run.response),
    timeline: run.timeline === null ? null : timelineJson(run.timeline),
    metrics: run.metrics,
  };
}

/** A response with its body as a plain value. */
export function responseJson({ status, headers, body }: Response): Record<string, unknown> {
  return { status, headers, body: bodyJson(body) };
}

/** The JSON value, a string for text, `{base64}` for bytes. */
function bodyJson(body: Body): Json {
  return body.kind === 'bytes' ? { base64: body.base64 } : body.value;
}

/** Units: ms as fractions, counted from the click, none finer than its error (rule TL-E1). */
function timelineJson(exact: BootTimeline): Record<string, unknown> {
  const timeline = roundTimeline(exact);
  const { ahead } = timeline;
  return {
    totalMs: nsToMs(timeline.totalNs),
    phases: timeline.phases.map(phaseJson),
    marks: timeline.marks.map((mark) => ({
      name: mark.name,
      atMs: nsToMs(mark.atNs),
      source: mark.source,
      clock: mark.clock,
      errorMs: nsToMs(mark.errorNs),
    })),
    startMode: timeline.startMode,
    accel: timeline.accel,
    complete: timeline.complete,
    ahead:
      ahead === null
        ? null
        : {
            startMs: nsToMs(ahead.startNs),
            durationMs: nsToMs(ahead.durationNs),
            phases: ahead.phases.map(phaseJson),
          },
  };
}

const phaseJson = (phase: Phase) => ({
  name: phase.name,
  startMs: nsToMs(phase.startNs),
  durationMs: nsToMs(phase.durationNs),
  errorMs: nsToMs(phase.errorNs),
});

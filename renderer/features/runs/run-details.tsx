import { useEffect, useState } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Run } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import type { ProjectId, RunId } from '#shared/model/units.ts';
import { describeSpread, seriesOf } from '#shared/timeline/index.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatBytes, formatClock, formatMs } from '../../ui/format.ts';
import { ErrorState, LoadingState } from '../../ui/states.tsx';

export interface RunDetailsProps {
  readonly projectId: ProjectId;
  readonly runId: RunId;
  readonly onClose: () => void;
}

/** What a run measured: the image, machine and event that make it comparable, and the series it is part of. */
export function RunDetails({ projectId, runId, onClose }: RunDetailsProps) {
  const { run, error } = useRun(runId);
  const runs = useSession((state) => state.runs[projectId]?.value) ?? [];
  const series = run === null ? null : seriesOf(summarizeRun(run), runs);
  return (
    <Dialog title={run === null ? 'Run' : `Run of ${formatClock(run.startedAt)}`} onClose={onClose}>
      {error !== null ? (
        <ErrorState compact error={error} />
      ) : run === null ? (
        <LoadingState message="Reading the run" />
      ) : (
        <dl className="facts selectable">
          <dt>Run</dt>
          <dd className="mono">{run.id}</dd>
          <dt>Result</dt>
          <dd>{resultOf(run)}</dd>
          <Subject run={run} />
          <dt>Image</dt>
          <dd>
            {run.image === null
              ? 'none'
              : `${formatBytes(run.image.bytes)}, ${run.image.cached ? 'reused' : `built in ${formatMs(run.image.buildMs)}`}`}
          </dd>
          <dt>Series</dt>
          <dd>
            {series === null
              ? 'part of none'
              : `${series.total.count} runs like it: median ${formatMs(series.total.median)}, 5 to 95 %: ${describeSpread(series.total)}`}
          </dd>
        </dl>
      )}
    </Dialog>
  );
}

function Subject({ run: { subject, runtime, instance } }: { readonly run: Run }) {
  if (subject === null) {
    return (
      <>
        <dt>Measures</dt>
        <dd>unknown: recorded before runs kept this</dd>
      </>
    );
  }
  const machine = instance === null ? '' : `, ${instance.memoryMiB} MiB, ${instance.vcpus} vCPU`;
  return (
    <>
      <dt>Start</dt>
      <dd>
        {subject.startMode}, {subject.accel === 'kvm' ? 'KVM' : 'emulated (TCG)'}, on {runtime}
        {machine}
      </dd>
      <dt>Host</dt>
      <dd className="mono">{subject.host}</dd>
      <dt>Image id</dt>
      <dd className="mono">{subject.imageId}</dd>
      <dt>Bundle</dt>
      <dd className="mono">{subject.bundleId}</dd>
      <dt>Event</dt>
      <dd className="mono">{subject.eventDigest}</dd>
      <dt>Commit</dt>
      <dd className="mono">{subject.commit ?? 'none: not in a git repository'}</dd>
    </>
  );
}

function resultOf({ outcome, response, error, timeline }: Run): string {
  const total = timeline === null ? '' : `, ${formatMs(timeline.totalNs / 1e6)}`;
  if (response !== null) return `${response.status}${total}`;
  return error === null ? outcome : `${outcome}: ${error.code}${total}`;
}

function useRun(runId: RunId): { readonly run: Run | null; readonly error: FirstlightError | null } {
  const { client } = useStudio();
  const [read, setRead] = useState<ReturnType<typeof useRun>>({ run: null, error: null });
  useEffect(() => {
    const abort = new AbortController();
    client.call('runs:get', { runId }, { signal: abort.signal }).then(
      (run) => setRead({ run, error: null }),
      (thrown) => {
        if (!abort.signal.aborted) setRead({ run: null, error: toFirstlightError(thrown) });
      },
    );
    return () => abort.abort();
  }, [client, runId]);
  return read;
}

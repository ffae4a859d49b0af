import { type ReactNode, useEffect, useState } from 'react';
import { type FirstlightError, fromWireError, toFirstlightError } from '#shared/errors.ts';
import type { Run } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import type { RunId } from '#shared/model/units.ts';
import { describeSpread, seriesOf } from '#shared/timeline/index.ts';
import { useSession, useStudio, useTransient } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import facts from '../../ui/facts.module.css';
import fieldStyles from '../../ui/field.module.css';
import { formatBytes, formatClock, formatMs } from '../../ui/format.ts';
import { JsonText } from '../../ui/json-view.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './run-page.module.css';

/** All data of one run: its name, its subject, the length of each phase, its event and its response. */
export function RunPage() {
  const studio = useStudio();
  const runId = useTransient((state) => state.runPage);
  const read = useRun(runId);
  const { run } = read;
  const close = () => studio.transient.setState({ center: 'editor' });
  return (
    <Page
      title={run === null ? 'Run' : `Run of ${run.functionName}, ${formatClock(run.startedAt)}`}
      note={<span className="mono selectable">{runId}</span>}
      actions={
        run !== null && (
          <>
            <Button
              icon="terminal"
              onClick={() => studio.consoles.openReplay(run.id, `${run.functionName} ${formatClock(run.startedAt)}`)}
            >
              Its console
            </Button>
            <Button
              icon="runs"
              onClick={() => {
                close();
                void studio.runs.show(run.projectId, run.id);
              }}
            >
              Show its timeline
            </Button>
            <Button
              icon="trash"
              onClick={() => {
                close();
                studio.runs.remove(run.projectId, [run.id]);
              }}
            >
              Forget
            </Button>
          </>
        )
      }
      closeLabel="Close the run"
      onClose={close}
    >
      {read.error !== null ? (
        <ErrorState error={read.error} />
      ) : run === null ? (
        <LoadingState message="Reading the run" />
      ) : (
        <div className={styles.page}>
          <NameField run={run} />
          <Subject run={run} />
          {run.timeline === null ? (
            <EmptyState title="No timeline">It ended before anything was booted.</EmptyState>
          ) : (
            <Phases run={run} />
          )}
          <Exchange run={run} />
        </div>
      )}
    </Page>
  );
}

function NameField({ run }: { readonly run: Run }) {
  const studio = useStudio();
  const name = useSession(
    (state) => state.runs[run.projectId]?.value?.find((entry) => entry.id === run.id)?.name ?? '',
  );
  const [text, setText] = useState<string | null>(null);
  const save = () => {
    const wanted = text?.trim();
    setText(null);
    if (wanted !== undefined && wanted !== name) void studio.runs.rename(run.id, wanted === '' ? null : wanted);
  };
  return (
    <form
      className={styles.name}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label className={fieldStyles.field}>
        <span>Name</span>
        <input
          className={fieldStyles.input}
          placeholder="none: its time stands for it"
          maxLength={80}
          value={text ?? name}
          onChange={({ target }) => setText(target.value)}
          onBlur={save}
        />
      </label>
      <IconButton icon="check" label="Keep the name" disabled={text === null || text.trim() === name} onClick={save} />
    </form>
  );
}

/** The subject of the run, which makes it comparable, and its series. */
function Subject({ run }: { readonly run: Run }) {
  const { subject, instance, image } = run;
  const runs = useSession((state) => state.runs[run.projectId]?.value) ?? [];
  const series = seriesOf(summarizeRun(run), runs);
  const machine = instance === null ? '' : `, ${instance.memoryMiB} MiB, ${instance.vcpus} vCPU`;
  const accel = instance?.accel === 'kvm' ? 'KVM' : 'emulated (TCG)';
  return (
    <dl className={`${facts.facts} selectable`}>
      <Fact name="Outcome">
        {run.error === null ? run.outcome : <span className="danger">{fromWireError(run.error).message}</span>}
      </Fact>
      <Fact name="Start">
        {run.startMode}
        {instance !== null && `, ${accel}`}, on {run.runtime}
        {machine}
        {run.waitedMs !== undefined && `; its instance took ${formatMs(run.waitedMs)} to make`}
      </Fact>
      {image !== null && (
        <Fact name="Image">
          {formatBytes(image.bytes)}, {image.cached ? 'reused' : `built in ${formatMs(image.buildMs)}`}
        </Fact>
      )}
      {subject === null ? (
        <Fact name="Measures">unknown: recorded before runs kept this</Fact>
      ) : (
        <>
          <Fact name="Host">
            <span className="mono">{subject.host}</span>
          </Fact>
          <Fact name="Image id">
            <span className="mono">{subject.imageId}</span>
          </Fact>
          <Fact name="Bundle">
            <span className="mono">{subject.bundleId}</span>
          </Fact>
          <Fact name="Event digest">
            <span className="mono">{subject.eventDigest}</span>
          </Fact>
          <Fact name="Commit">
            <span className="mono">{subject.commit ?? 'none: not in a git repository'}</span>
          </Fact>
        </>
      )}
      <Fact name="Series">
        {series === null
          ? 'part of none'
          : `${series.total.count} runs like it: median ${formatMs(series.total.median)}, 5 to 95 %: ${describeSpread(series.total)}`}
      </Fact>
      <Fact name="Folder">
        <span className="mono">{run.projectDir}</span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Phases({ run }: { readonly run: Run }) {
  const { timeline } = run;
  if (timeline === null) return null;
  return (
    <table className={styles.phases} aria-label="Phases">
      <tbody>
        {timeline.phases.map((phase) => (
          <tr key={phase.name}>
            <th scope="row">{phase.name}</th>
            <td className="mono">{formatMs(phase.durationNs / 1e6)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">total</th>
          <td className="mono">{formatMs(timeline.totalNs / 1e6)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

function Exchange({ run }: { readonly run: Run }) {
  const { response } = run;
  return (
    <div className={styles.exchange}>
      <section aria-label="Event">
        <h2>Event</h2>
        <pre className="mono selectable">
          <JsonText text={JSON.stringify(run.event, null, 2)} />
        </pre>
      </section>
      <section aria-label="Answer">
        <h2>Answer{response !== null && ` ${response.status}, ${formatBytes(response.bytes)}`}</h2>
        <pre className="mono selectable">
          {response === null ? (
            <span className="muted">none</span>
          ) : response.body.kind === 'json' ? (
            <JsonText text={JSON.stringify(response.body.value, null, 2)} />
          ) : response.body.kind === 'text' ? (
            response.body.value
          ) : (
            <span className="muted">{formatBytes(response.bytes)} that are no text</span>
          )}
        </pre>
      </section>
    </div>
  );
}

function useRun(runId: RunId | null): { readonly run: Run | null; readonly error: FirstlightError | null } {
  const { client } = useStudio();
  const [read, setRead] = useState<ReturnType<typeof useRun>>({ run: null, error: null });
  useEffect(() => {
    setRead({ run: null, error: null });
    if (runId === null) return;
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

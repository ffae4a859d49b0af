import { useState } from 'react';
import type { FirstlightError } from '#shared/errors.ts';
import { fromWireError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { Response, Run } from '#shared/model/run.ts';
import { isAheadMode, type StartMode } from '#shared/model/timeline.ts';
import { InstallKernelButton } from '../../bind/install-kernel-button.tsx';
import { useNow, useProject, useSession, useShown, useStudio, useTask } from '../../bind/studio.tsx';
import { TrustButton } from '../../bind/trust-button.tsx';
import type { Task } from '../../state/transient.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { formatBytes, formatMs } from '../../ui/format.ts';
import { Section } from '../../ui/section.tsx';
import { Segments } from '../../ui/segments.tsx';
import states from '../../ui/states.module.css';
import { EmptyState, ErrorState, LoadingState, ProgressBar } from '../../ui/states.tsx';
import { BodyView, bodyText } from './body-view.tsx';
import styles from './response-view.module.css';
import { StackView } from './stack-view.tsx';
import { taskWords } from './task-words.ts';

/** The function's response, or the error. */
export function ResponseView() {
  const studio = useStudio();
  const project = useProject();
  const shown = useShown();
  const task = useTask();
  const [tab, setTab] = useState<'body' | 'headers'>('body');
  const startsElsewhere = useStartElsewhere(project);
  if (project === null) return null;
  const { run, failure, warm } = shown;
  const response = warm !== null ? warm.invocation.response : (run?.response ?? null);
  const wireError = warm !== null ? warm.invocation.error : (run?.error ?? null);
  // A cancelled run has an error in the store; a person who cancelled it sees no failure.
  const failed = wireError === null || wireError.code === 'CANCELLED' ? null : fromWireError(wireError);
  const error = failure ?? failed;
  const durationMs = warm?.invocation.durationMs ?? (run?.timeline == null ? null : run.timeline.totalNs / 1e6);
  const busy = task !== null && task.kind !== 'build';
  const showsResponse = !busy && error === null && response !== null;
  return (
    <Section
      title="Response"
      grow
      actions={
        showsResponse && (
          <>
            <Segments
              label="Part of the response"
              active={tab}
              onSelect={setTab}
              items={[
                { id: 'body', label: 'Body' },
                { id: 'headers', label: `Headers ${Object.keys(response.headers).length}` },
              ]}
            />
            <IconButton
              icon="copy"
              label="Copy the body"
              onClick={() => void navigator.clipboard.writeText(bodyText(response.body))}
            />
            <IconButton
              icon="download"
              label="Save the body as a file"
              onClick={() => saveBody(project.name, response)}
            />
          </>
        )
      }
    >
      {busy ? (
        <Running task={task} />
      ) : startsElsewhere && run === null && error === null ? (
        <LoadingState message={startsElsewhere} />
      ) : error !== null ? (
        <Failure error={error} warm={warm !== null} />
      ) : response === null ? (
        <EmptyState
          title={
            run?.outcome === 'cancelled'
              ? 'This run was cancelled'
              : run?.outcome === 'interrupted'
                ? 'The studio ended before this run did'
                : 'Nothing has run yet'
          }
          action={
            <Button kind="primary" icon="play" shortcut="Ctrl+Enter" onClick={() => void studio.invoke.run()}>
              Run {project.name}
            </Button>
          }
        >
          A run boots a new instance, sends the event, and shows the answer here.
        </EmptyState>
      ) : (
        <>
          <p className={styles.line}>
            <strong className={response.status < 400 ? 'ok' : 'danger'}>{response.status}</strong>
            <span>{formatBytes(response.bytes)}</span>
            {durationMs !== null && <span>{formatMs(durationMs)}</span>}
            <span className="faint ellipsis">
              {warm !== null ? `warm call of ${warm.instanceId}` : startWords(run, shown.asked)}
            </span>
          </p>
          {tab === 'body' ? <BodyView body={response.body} /> : <Headers headers={response.headers} />}
        </>
      )}
    </Section>
  );
}

function startWords(run: Run | null, asked: StartMode | null): string {
  if (run !== null && isAheadMode(run.startMode)) {
    const { startMode, waitedMs } = run;
    return waitedMs === undefined ? startMode : `${startMode}; its instance took ${formatMs(waitedMs)} to make`;
  }
  return asked !== null && isAheadMode(asked) ? `cold: none ${asked} yet` : 'cold start';
}

/** The work of another program that runs the project, such as the one that opened the window; null when none. */
function useStartElsewhere(project: Project | null): string | null {
  const building = useSession((state) => project !== null && state.builds[project.id]?.running === true);
  const booting = useSession(
    (state) =>
      state.instances.value?.some((entry) => entry.projectId === project?.id && entry.state === 'booting') ?? false,
  );
  const preparing = useSession((state) => project !== null && state.info?.preparing?.includes(project.id) === true);
  const isProbing = useSession((state) => state.info?.accel === null);
  const answers = useSession(
    (state) =>
      project !== null &&
      state.live[project.id] !== undefined &&
      (state.instances.value?.some((entry) => entry.projectId === project.id && entry.state === 'ready') ?? false),
  );
  if (project === null || (!building && !booting && !preparing && !answers)) return null;
  if (answers && !booting) return `Running ${project.name}`;
  if (building && !booting) return `Building ${project.name}`;
  return preparing && isProbing
    ? `Starting ${project.name}; finding out whether KVM works here`
    : `Starting ${project.name}`;
}

function Running({ task }: { readonly task: Task }) {
  const now = useNow(50);
  const elapsedMs = Math.max(0, now - task.startedAtMs);
  return (
    <div className={states.state} role="status">
      <p className={`${styles.runningTime} mono`} aria-hidden="true">
        {(elapsedMs / 1000).toFixed(1)} s
      </p>
      <p>{taskWords(task, now)}</p>
      <ProgressBar fraction={task.fraction} label={task.message} />
      <Button kind="quiet" shortcut="Esc" disabled={task.cancelling} onClick={task.cancel}>
        Cancel
      </Button>
    </div>
  );
}

function Failure({ error, warm }: { readonly error: FirstlightError; readonly warm: boolean }) {
  const studio = useStudio();
  const problem = error.details.problems?.find((entry) => entry.file !== undefined);
  const project = useProject();
  return (
    <div className="scroll">
      <ErrorState
        error={error}
        actions={
          error.code === 'RELEASE_MISSING' ? (
            <InstallKernelButton />
          ) : error.code === 'MEMORY_TOO_SMALL' ? (
            <Button icon="sliders" shortcut="Ctrl+," onClick={() => studio.transient.setState({ center: 'options' })}>
              Change its memory
            </Button>
          ) : error.code === 'PROJECT_NOT_TRUSTED' ? (
            <TrustButton />
          ) : error.class === 'environment' ? (
            <Button icon="environment" onClick={() => studio.transient.setState({ center: 'environment' })}>
              See what is wrong
            </Button>
          ) : problem?.file !== undefined && error.details.stack === undefined && project !== null ? (
            <Button
              onClick={() => studio.docs.reveal(project.id, problem.file ?? '', problem.line ?? 1, problem.column ?? 1)}
            >
              Go to {problem.file}:{problem.line}
            </Button>
          ) : error.class === 'boot' || (error.code === 'FUNCTION_CRASHED' && !warm) ? (
            <Button icon="play" onClick={() => void studio.invoke.run()}>
              Run again
            </Button>
          ) : undefined
        }
      >
        {error.details.stack !== undefined && <StackView stack={error.details.stack} />}
      </ErrorState>
    </div>
  );
}

function Headers({ headers }: { readonly headers: Response['headers'] }) {
  return (
    <table className={`${styles.headers} selectable`}>
      <tbody>
        {Object.entries(headers).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="mono">{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function saveBody(name: string, response: Response): void {
  const { body } = response;
  const bytes =
    body.kind === 'bytes' ? Uint8Array.from(atob(body.base64), (char) => char.charCodeAt(0)) : bodyText(body);
  const url = URL.createObjectURL(new Blob([bytes]));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}-response.${{ json: 'json', text: 'txt', bytes: 'bin' }[body.kind]}`;
  link.click();
  URL.revokeObjectURL(url);
}

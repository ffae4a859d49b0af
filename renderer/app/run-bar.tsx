import { type StartMode, startModes } from '#shared/model/timeline.ts';
import { useNow, useProject, useSaved, useSession, useShown, useStudio, useTask } from '../bind/studio.tsx';
import { DeployMenu } from '../features/deploy/deploy-menu.tsx';
import { HostPicker } from '../features/hosts/host-picker.tsx';
import { taskWords } from '../features/invoke/task-words.ts';
import { RuntimePicker } from '../features/kernels/runtime-picker.tsx';
import { formatMs } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { useKeyName } from '../ui/key-name.ts';
import menu from '../ui/menu.module.css';
import { Menu } from '../ui/menu.tsx';
import styles from './run-bar.module.css';

const modeWords: Readonly<Record<StartMode, string>> = {
  cold: 'Measures VMM and guest: both start after the click',
  prestarted: 'Measures the guest: the VMM waits paused, image loaded; the click runs the first instruction',
  prebooted: 'Measures the call: the guest has booted and waits; the click sends the event',
  restored: 'Measures VMM and restore: after the click a saved, booted guest is loaded; it does not boot again',
};

/** The main path's controls: the function, its start mode, Run, and the result. */
export function RunBar() {
  const keyName = useKeyName();
  const studio = useStudio();
  const project = useProject();
  const projects = useSession((state) => state.projects.value) ?? [];
  const startMode = useSaved((state) => state.startMode);
  const task = useTask();
  const openDialog = (kind: 'new-function' | 'open-folder' | 'palette') =>
    studio.transient.setState({ dialog: { kind } });
  return (
    <header className={styles.bar} data-region="run">
      <div className={styles.choices}>
        <Menu
          label="Function"
          tip="Function that is shown and run"
          className={`${menu.button} ${styles.project}`}
          items={[
            ...projects.map((entry) => ({
              id: entry.id,
              label: entry.name,
              detail: entry.dir,
              checked: entry.id === project?.id,
              onSelect: () => void studio.projects.select(entry.id),
            })),
            {
              id: 'new',
              label: 'New function',
              icon: 'plus' as const,
              shortcut: 'Ctrl+Alt+N',
              separated: projects.length > 0,
              onSelect: () => openDialog('new-function'),
            },
            {
              id: 'open',
              label: 'Open folder',
              icon: 'folder' as const,
              shortcut: 'Ctrl+O',
              onSelect: () => openDialog('open-folder'),
            },
            {
              id: 'import',
              label: 'Import',
              detail: 'A Linux program, an ops configuration or package, or an OCI image',
              icon: 'download' as const,
              shortcut: 'Ctrl+Alt+I',
              onSelect: studio.imports.begin,
            },
          ]}
        >
          <span className="ellipsis">{project?.name ?? 'No function'}</span>
          <Icon name="down" size={12} />
        </Menu>
        {project !== null && <RuntimePicker project={project} />}
        <Menu
          label={`Start mode, ${startMode}`}
          tip={modeWords[startMode]}
          items={startModes.map((mode) => ({
            id: mode,
            label: mode,
            detail: modeWords[mode],
            checked: mode === startMode,
            onSelect: () => studio.saved.setState({ startMode: mode }),
          }))}
        >
          {startMode}
          <Icon name="down" size={12} />
        </Menu>
        {project !== null && <HostPicker projectId={project.id} />}
      </div>
      <div className={styles.center}>
        {task === null ? (
          <button
            type="button"
            className={styles.button}
            data-part="run"
            disabled={project === null}
            data-tip={
              'Save, build if needed, boot a new instance and send the event.\nIt takes the place of the function’s running instance.'
            }
            onClick={() => void studio.invoke.run()}
          >
            <Icon name="play" size={13} />
            Run
            <kbd>{keyName('Ctrl+Enter')}</kbd>
          </button>
        ) : (
          <button
            type="button"
            className={`${styles.button} ${styles.cancel}`}
            data-part="cancel"
            disabled={task.cancelling}
            onClick={task.cancel}
          >
            <Icon name="stop" size={13} />
            {task.cancelling ? 'Cancelling' : 'Cancel'}
            <kbd>Esc</kbd>
          </button>
        )}
        <RunOutcome />
      </div>
      <div className={styles.end}>
        <DeployMenu />
        <button
          type="button"
          className={styles.commands}
          data-tip="All commands"
          data-shortcut="Ctrl+K"
          onClick={() => openDialog('palette')}
        >
          <Icon name="search" size={13} />
          <span>Commands</span>
          <kbd>{keyName('Ctrl+K')}</kbd>
        </button>
      </div>
    </header>
  );
}

function RunOutcome() {
  const task = useTask();
  const { run, failure, warm, cancelledAfterMs } = useShown();
  const now = useNow(100, task !== null);
  if (task !== null) {
    return (
      <p className={styles.outcome} data-part="outcome" role="status">
        <span className={`mono ${styles.total}`} data-part="total">
          {formatElapsed(now - task.startedAtMs)}
        </span>
        <span className="muted ellipsis">{taskWords(task, now)}</span>
      </p>
    );
  }
  if (cancelledAfterMs !== null) {
    return (
      <p className={styles.outcome} data-part="outcome" role="status">
        <span className="muted">cancelled after {formatElapsed(cancelledAfterMs)}</span>
        {run !== null && <span className="faint ellipsis">shown is the run before</span>}
      </p>
    );
  }
  if (failure !== null) {
    return (
      <p className={styles.outcome} data-part="outcome" role="status">
        <span className="danger ellipsis">{failure.message}</span>
      </p>
    );
  }
  const error = warm === null ? run?.error : warm.invocation.error;
  const response = warm === null ? run?.response : warm.invocation.response;
  const totalMs =
    warm === null ? (run?.timeline == null ? null : run.timeline.totalNs / 1e6) : warm.invocation.durationMs;
  if (run === null && warm === null) return <p className={`${styles.outcome} faint`}>Not run yet</p>;
  return (
    <p className={styles.outcome} data-part="outcome" role="status">
      {totalMs !== null && (
        <span className={`mono ${styles.total}`} data-part="total">
          {formatMs(totalMs)}
        </span>
      )}
      {error != null && error.code !== 'CANCELLED' ? (
        <span className="danger ellipsis">{error.message}</span>
      ) : response != null ? (
        <span className={response.status < 400 ? 'ok' : 'danger'}>
          {response.status} {statusText[response.status] ?? ''}
        </span>
      ) : (
        <span className="muted">{run?.outcome}</span>
      )}
      <span className={`faint ${styles.kind}`}>
        {warm !== null ? 'warm call' : run?.instance?.accel === 'tcg' ? 'emulated' : ''}
      </span>
    </p>
  );
}

const formatElapsed = (ms: number) => `${(Math.max(0, ms) / 1000).toFixed(1)} s`;

const statusText: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved',
  302: 'Found',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  418: 'I’m a teapot',
  422: 'Unprocessable',
  429: 'Too Many Requests',
  500: 'Server Error',
  501: 'Not Implemented',
  503: 'Unavailable',
};

import { useNow, useProject, useSession, useStudio, useTask, useTransient } from '../bind/studio.tsx';
import { showPanels } from '../state/context.ts';
import { formatBytes, formatMs } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import styles from './status-bar.module.css';

/** The state of the environment: connection, acceleration, running instances, and the doctor's result. */
export function StatusBar() {
  const studio = useStudio();
  const link = useSession((state) => state.link);
  const info = useSession((state) => state.info);
  const instances = useSession((state) => state.instances.value);
  const samples = useSession((state) => state.samples);
  const doctor = useSession((state) => state.doctor);
  const cursor = useTransient((state) => state.cursor);
  const alive = (instances ?? []).filter((entry) => entry.state !== 'stopped' && entry.state !== 'failed');
  const memory = alive.reduce((sum, entry) => sum + (samples[entry.id]?.at(-1)?.memoryBytes ?? 0), 0);
  const checks = doctor.value?.checks ?? [];
  const wrong = checks.filter((check) => check.status !== 'ok').length;
  const failed = checks.some((check) => check.status === 'failed');
  const showEnvironment = () => studio.transient.setState({ center: 'environment' });
  return (
    <footer className={styles.bar} data-region="status">
      <Connection />
      <button
        type="button"
        className={styles.item}
        data-tip={info?.accel?.reason ?? 'A probe guest decides'}
        onClick={showEnvironment}
      >
        {info === null || link.status !== 'connected'
          ? ''
          : info.accel === null
            ? 'acceleration not probed yet'
            : info.accel.kind === 'kvm'
              ? 'KVM'
              : 'emulated'}
        {info?.accel != null && link.status === 'connected' && (
          <span className={`${styles.reason} ellipsis`}>{info.accel.reason}</span>
        )}
      </button>
      <span className={styles.space} />
      <BuildState />
      {cursor !== null && (
        <span className={`${styles.item} ${styles.static}`}>
          {cursor.line}:{cursor.column}
        </span>
      )}
      <button
        type="button"
        className={styles.item}
        onClick={() => studio.saved.setState({ area: 'instances' })}
        data-tip="Instances, and the memory their VMMs hold"
      >
        {alive.length} {alive.length === 1 ? 'instance' : 'instances'}
        {memory > 0 && <span className={styles.reason}>{formatBytes(memory)}</span>}
      </button>
      <button
        type="button"
        className={styles.item}
        onClick={showEnvironment}
        data-tip={wrong === 0 ? 'The environment is in order' : `${wrong} to look at`}
      >
        doctor
        {doctor.status === 'loading' ? (
          <span className="faint">checking</span>
        ) : doctor.value === null ? (
          <span className="faint">–</span>
        ) : wrong === 0 ? (
          <span className={`ok ${styles.icon}`}>
            <Icon name="check" size={13} />
          </span>
        ) : (
          <span className={failed ? `danger ${styles.icon}` : `warning ${styles.icon}`}>
            <Icon name={failed ? 'error' : 'warning'} size={13} /> {wrong}
          </span>
        )}
      </button>
    </footer>
  );
}

/** The result of the last build of the shown function. */
function BuildState() {
  const studio = useStudio();
  const project = useProject();
  const task = useTask();
  const build = useSession((state) => (project === null ? undefined : state.builds[project.id]));
  if (project === null || build === undefined) return null;
  const building = build.running || task?.kind === 'build';
  const isRefused = build.error?.code === 'PROJECT_NOT_TRUSTED';
  const words = building
    ? 'building'
    : build.error !== null
      ? isRefused
        ? 'not built: restricted'
        : 'build failed'
      : build.result !== null
        ? `built in ${formatMs(build.result.buildMs)}`
        : null;
  if (words === null) return null;
  const failed = !building && build.error !== null;
  return (
    <button
      type="button"
      className={styles.item}
      data-tip={failed ? build.error?.message : 'Steps of the last build: what was made, what was reused, and why'}
      onClick={() => {
        showPanels(studio);
        studio.transient.setState({ dockTab: failed && build.error?.details.problems?.length ? 'problems' : 'build' });
      }}
    >
      <span className={failed ? (isRefused ? 'warning' : 'danger') : undefined} role="status">
        {words}
      </span>
    </button>
  );
}

const connectionWords = { connected: 'connected', connecting: 'connecting', lost: 'not reachable' } as const;

function Connection() {
  const info = useSession((state) => state.info);
  const link = useSession((state) => state.link);
  const now = useNow(500, link.status === 'lost');
  if (link.status !== 'connected') {
    const seconds = link.retryAtMs === null ? 0 : Math.max(0, Math.ceil((link.retryAtMs - now) / 1000));
    return (
      <span className={`${styles.item} ${styles.static} warning`} role="status">
        <span className={styles.dot} data-connection="lost" />
        {link.status === 'connecting'
          ? 'Connecting to the engine'
          : `Engine not reachable, next attempt in ${seconds} s`}
      </span>
    );
  }
  if (info === null) return <span className={`${styles.item} ${styles.static} faint`}>Connecting to libvirt</span>;
  return (
    <span
      className={`${styles.item} ${styles.static}`}
      role="status"
      data-tip={`libvirt: ${connectionWords[info.connection]}\nFirstlight ${info.version}`}
    >
      <span className={styles.dot} data-connection={info.connection} />
      {info.uri}
      {info.connection !== 'connected' && <span className="warning">{connectionWords[info.connection]}</span>}
    </span>
  );
}

import type { BuildResult, BuildStep } from '#shared/model/image.ts';
import { InstallKernelButton } from '../../bind/install-kernel-button.tsx';
import { useProject, useSession, useStudio, useTask } from '../../bind/studio.tsx';
import { TrustButton } from '../../bind/trust-button.tsx';
import { noBuild } from '../../state/session.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatMs } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './build-output.module.css';

const stepWords: Readonly<Record<BuildStep['name'], string>> = {
  config: 'Configuration',
  bundle: 'Bundle',
  kernel: 'Kernel',
  evaluate: 'Evaluate',
  base: 'Runtime base',
  write: 'Write image',
};

/** The last build of the function: each step with its work or its reused result, and the reason. */
export function BuildOutput() {
  const studio = useStudio();
  const project = useProject();
  const task = useTask();
  const build = useSession((state) => (project === null ? noBuild : (state.builds[project.id] ?? noBuild)));
  if (project === null) return null;
  if (task?.kind === 'build') {
    return (
      <LoadingState
        message={task.message}
        fraction={task.fraction}
        onCancel={task.cancel}
        cancelling={task.cancelling}
      />
    );
  }
  if (build.error !== null) {
    const places = build.error.details.problems?.length ?? 0;
    return (
      <ErrorState
        error={build.error}
        actions={
          <>
            {places > 0 && (
              <Button onClick={() => studio.transient.setState({ dockTab: 'problems' })}>
                Show {places === 1 ? 'the problem' : `the ${places} problems`}
              </Button>
            )}
            {build.error.code === 'PROJECT_NOT_TRUSTED' && <TrustButton />}
            {build.error.code === 'RELEASE_MISSING' && <InstallKernelButton />}
            <Button icon="builds" onClick={() => void studio.builds.build(project.id)}>
              Build again
            </Button>
          </>
        }
      />
    );
  }
  if (build.result === null) {
    return (
      <EmptyState
        icon="builds"
        title="Not built since the studio started"
        action={
          <Button icon="builds" shortcut="Ctrl+S" onClick={() => void studio.saveAndBuild()}>
            Build {project.name}
          </Button>
        }
      >
        Saving (Ctrl+S) builds. Each step then says what it did, or what it reused and why.
      </EmptyState>
    );
  }
  return <Result result={build.result} />;
}

function Result({ result }: { readonly result: BuildResult }) {
  const studio = useStudio();
  const longest = Math.max(0.001, ...result.steps.map((step) => step.durationMs));
  return (
    <div>
      <p className={styles.head}>
        <Icon name="check" size={14} />
        <strong>{result.cached ? 'Nothing had to be made' : 'Built'}</strong>
        <span className="mono">{formatMs(result.buildMs)}</span>
        <span className="muted">image</span>
        <span className="mono selectable" data-tip={result.image.path}>
          {result.image.id.slice(0, 12)}
        </span>
        <span className="muted">
          {formatBytes(result.image.bytes)}, boots in {result.image.minMemoryMiB} MiB and more
        </span>
        <Button
          kind="quiet"
          tip="Its files, what takes the space, and its options"
          shortcut="Ctrl+I"
          onClick={() => void studio.images.inspectBuilt()}
        >
          Look inside
        </Button>
      </p>
      <table className={styles.steps}>
        <tbody>
          {result.steps.map((step) => (
            <tr key={step.name}>
              <th scope="row">{stepWords[step.name]}</th>
              <td className={`mono ${styles.time}`}>{formatMs(step.durationMs)}</td>
              <td className={styles.bar} aria-hidden="true">
                <span style={{ width: `${(step.durationMs / longest) * 100}%` }} />
              </td>
              <td className={step.reused ? 'faint' : undefined}>{step.reused ? 'reused' : 'made'}</td>
              <td className="muted">{step.reason.replace(/^reused: /, '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

import { useProject, useSession, useStudio, useTask } from '../../bind/studio.tsx';
import { showPanels } from '../../state/context.ts';
import { noBuild } from '../../state/session.ts';
import { Button } from '../../ui/button.tsx';
import facts from '../../ui/facts.module.css';
import { formatAgo, formatBytes, formatMs } from '../../ui/format.ts';
import { Section } from '../../ui/section.tsx';
import styles from './build-summary.module.css';

/** The image that the next run boots, for the side list. */
export function BuildSummary() {
  const studio = useStudio();
  const project = useProject();
  const task = useTask();
  const build = useSession((state) => (project === null ? noBuild : (state.builds[project.id] ?? noBuild)));
  if (project === null) return null;
  const { result, error, finishedAtMs } = build;
  return (
    <Section title="Builds" grow>
      <dl className={facts.facts}>
        <dt>Function</dt>
        <dd>{project.name}</dd>
        <dt>Entry</dt>
        <dd className="mono">{project.config?.entry ?? 'unknown: firstlight.json has problems'}</dd>
        <dt>Memory</dt>
        <dd>{project.config === null ? '–' : `${project.config.memoryMiB} MiB`}</dd>
        <dt>vCPUs</dt>
        <dd>{project.config?.vcpus ?? '–'}</dd>
        <dt>Last build</dt>
        <dd className={error === null ? undefined : 'danger'}>
          {error !== null
            ? 'failed'
            : result === null
              ? 'none yet'
              : `${formatMs(result.buildMs)}${result.cached ? ', all reused' : ''}`}
          {finishedAtMs !== null && <span className="faint">, {formatAgo(finishedAtMs, Date.now())}</span>}
        </dd>
        {result !== null && (
          <>
            <dt>Image</dt>
            <dd className="mono selectable">{result.image.id.slice(0, 12)}</dd>
            <dt>Size</dt>
            <dd>{formatBytes(result.image.bytes)}</dd>
          </>
        )}
      </dl>
      <div className={styles.actions}>
        <Button
          icon="builds"
          disabled={task !== null}
          tip="Save and build"
          shortcut="Ctrl+S"
          onClick={() => void studio.saveAndBuild()}
        >
          Build
        </Button>
        <Button
          kind="quiet"
          onClick={() => {
            showPanels(studio);
            studio.transient.setState({ dockTab: 'build' });
          }}
        >
          Steps
        </Button>
        {result !== null && (
          <Button kind="quiet" shortcut="Ctrl+I" onClick={() => void studio.images.inspectBuilt()}>
            Look inside
          </Button>
        )}
      </div>
    </Section>
  );
}

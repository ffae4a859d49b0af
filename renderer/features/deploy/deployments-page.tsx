import type { ReactNode } from 'react';
import type { BootTimeline } from '#shared/model/timeline.ts';
import { useProject, useStudio } from '../../bind/studio.tsx';
import type { DeployChoice, DeployedRef } from '../../state/deployments.ts';
import { Button } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState } from '../../ui/states.tsx';
import styles from './deployments-page.module.css';
import type { FunctionResourcesProps } from './function-resources.tsx';
import { FunctionTable } from './function-table.tsx';
import { FunctionActions, FunctionView } from './function-view.tsx';
import { TargetActions, TargetView } from './target-view.tsx';
import { useDeploy, useWatchedTargets } from './use-deploy.ts';

export interface DeploymentsPageProps {
  /** Draws a cold start: the timeline view belongs to another feature. */
  readonly renderColdStart: (timeline: BootTimeline, of: { readonly name: string }) => ReactNode;
  /** Draws what a replica used: graphs belong to another feature. */
  readonly renderUsage: FunctionResourcesProps['render'];
  /** Shows the console of an instance; null for the newest one. */
  readonly renderConsole: (of: DeployedRef, instance: string | null) => ReactNode;
}

/** The functions on clusters: all of them, those of one cluster, or one of them with its details. */
export function DeploymentsPage({ renderColdStart, renderUsage, renderConsole }: DeploymentsPageProps) {
  const studio = useStudio();
  const choice = useDeploy((state) => state.choice);
  useWatchedTargets();
  return (
    <Page
      title={<Trail choice={choice} />}
      actions={
        choice?.kind === 'function' ? (
          <FunctionActions of={choice.of} />
        ) : choice?.kind === 'target' ? (
          <TargetActions target={choice.target} />
        ) : (
          <Button icon="plus" onClick={() => studio.transient.setState({ dialog: { kind: 'add-target' } })}>
            Add a cluster
          </Button>
        )
      }
      closeLabel="Close the deployed functions"
      onClose={() => studio.transient.setState({ center: 'editor' })}
    >
      {choice?.kind === 'function' ? (
        <FunctionView
          key={`${choice.of.target}/${choice.of.name}`}
          of={choice.of}
          renderColdStart={(timeline) => renderColdStart(timeline, choice.of)}
          renderUsage={renderUsage}
          renderConsole={(instance) => renderConsole(choice.of, instance)}
        />
      ) : choice?.kind === 'target' ? (
        <TargetView key={choice.target} target={choice.target} />
      ) : (
        <Overview />
      )}
    </Page>
  );
}

/** The present place on the page, and the way up. */
function Trail({ choice }: { readonly choice: DeployChoice }) {
  const { deploy } = useStudio();
  if (choice === null) return 'Deployed functions';
  const target = choice.kind === 'target' ? choice.target : choice.of.target;
  return (
    <span className={styles.trail}>
      <button type="button" onClick={() => deploy.open(null)}>
        Deployed functions
      </button>
      {choice.kind === 'target' ? (
        <span>{target}</span>
      ) : (
        <>
          <button type="button" onClick={() => deploy.open({ kind: 'target', target })}>
            {target}
          </button>
          <span>{choice.of.name}</span>
        </>
      )}
    </span>
  );
}

function Overview() {
  const studio = useStudio();
  const project = useProject();
  const targets = useDeploy((state) => state.targets);
  if (targets.value === null) {
    return targets.error === null ? null : (
      <ErrorState
        error={targets.error}
        actions={<Button onClick={() => void studio.deploy.load()}>Try again</Button>}
      />
    );
  }
  if (targets.value.length === 0) {
    return (
      <EmptyState
        icon="deployments"
        title="No cluster yet"
        action={
          <Button
            kind="primary"
            icon="plus"
            onClick={() => studio.transient.setState({ dialog: { kind: 'add-target' } })}
          >
            Add a cluster
          </Button>
        }
      >
        Any Kubernetes will do: a function brings its own virtual machine in its image. It takes a kubeconfig, and a
        registry that its nodes can pull from.
      </EmptyState>
    );
  }
  return (
    <div className={styles.overview}>
      {targets.value.map(({ name }) => (
        <section key={name} aria-label={name}>
          <header className={styles.head}>
            <h2>{name}</h2>
            <Button kind="quiet" onClick={() => studio.deploy.open({ kind: 'target', target: name })}>
              Details
            </Button>
            {project !== null && (
              <Button
                kind="quiet"
                icon="deployments"
                onClick={() => void studio.deploy.deploy(project.id, name)}
              >{`Deploy ${project.name} here`}</Button>
            )}
          </header>
          <FunctionTable target={name} />
        </section>
      ))}
    </div>
  );
}

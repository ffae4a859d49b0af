import { memo } from 'react';
import type { Deployment } from '#shared/model/deploy.ts';
import { useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './deployment-list.module.css';
import { StateDot } from './state-dot.tsx';
import { useDeploy, useWatchedTargets } from './use-deploy.ts';

/** The clusters, and the functions on each, as the clusters report them now. */
export function DeploymentList() {
  const studio = useStudio();
  const targets = useDeploy((state) => state.targets);
  useWatchedTargets();
  const add = () => studio.transient.setState({ dialog: { kind: 'add-target' } });
  return (
    <Section title="Deployed functions" grow actions={<IconButton icon="plus" label="Add a cluster" onClick={add} />}>
      {targets.value === null && targets.error !== null ? (
        <ErrorState
          compact
          error={targets.error}
          actions={<Button onClick={() => void studio.deploy.load()}>Try again</Button>}
        />
      ) : targets.value === null ? (
        <LoadingState message="Reading the clusters" />
      ) : targets.value.length === 0 ? (
        <EmptyState title="No cluster yet" action={<Button onClick={add}>Add a cluster</Button>}>
          A function that works here runs on a Kubernetes cluster after one click.
        </EmptyState>
      ) : (
        targets.value.map(({ name }) => <TargetRows key={name} target={name} />)
      )}
    </Section>
  );
}

function TargetRows({ target }: { readonly target: string }) {
  const studio = useStudio();
  const functions = useDeploy((state) => state.functions[target]);
  const choice = useDeploy((state) => state.choice);
  const isChosen = choice?.kind === 'target' && choice.target === target;
  return (
    <RowList label={`Functions on ${target}`}>
      <li className={joinClasses(rows.row, isChosen && rows.active)}>
        <button
          type="button"
          data-row
          className={rows.main}
          aria-current={isChosen}
          onClick={() => studio.deploy.open({ kind: 'target', target })}
        >
          <strong className="ellipsis">{target}</strong>
        </button>
      </li>
      {functions?.error != null && <li className={`${rows.note} danger`}>{functions.error.message}</li>}
      {functions?.value?.length === 0 && <li className={rows.note}>no function</li>}
      {(functions?.value ?? []).map((deployment) => (
        <FunctionRow key={deployment.name} deployment={deployment} />
      ))}
    </RowList>
  );
}

/** A cluster has hundreds: only the rows that change are drawn again, and only those in view are laid out. */
const FunctionRow = memo(({ deployment }: { readonly deployment: Deployment }) => {
  const studio = useStudio();
  const { target, name, state, replicas, message } = deployment;
  const isChosen = useDeploy(
    ({ choice }) => choice?.kind === 'function' && choice.of.target === target && choice.of.name === name,
  );
  return (
    <li className={joinClasses(rows.row, styles.row, isChosen && rows.active)}>
      <button
        type="button"
        data-row
        className={`${rows.main} ${styles.function}`}
        aria-current={isChosen}
        aria-label={`${name} on ${target}, ${state}`}
        data-tip={`${state}${message === '' ? '' : `: ${message}`}`}
        onClick={() => studio.deploy.open({ kind: 'function', of: { target, name } })}
      >
        <StateDot state={state} />
        <span className={`ellipsis ${rows.name}`}>{name}</span>
        <span className={`mono muted ${styles.count}`}>
          {replicas.ready}/{replicas.wanted}
        </span>
      </button>
    </li>
  );
});

import { memo, type RefObject, useEffect, useMemo } from 'react';
import type { Deployment } from '#shared/model/deploy.ts';
import { useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { useVirtualList } from '../../ui/virtual-list.ts';
import styles from './deployment-list.module.css';
import { StateDot } from './state-dot.tsx';
import { useDeploy, useWatchedTargets } from './use-deploy.ts';

/** Units: px, as in the style sheet. */
const firstRowHeight = 24;
const noDeployments: readonly Deployment[] = [];

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
        <div>
          {targets.value.map(({ name }) => (
            <TargetRows key={name} target={name} />
          ))}
        </div>
      )}
    </Section>
  );
}

function TargetRows({ target }: { readonly target: string }) {
  const studio = useStudio();
  const functions = useDeploy((state) => state.functions[target]);
  const choice = useDeploy((state) => state.choice);
  const isChosen = choice?.kind === 'target' && choice.target === target;
  const deployments = functions?.value ?? noDeployments;
  const keys = useMemo(() => deployments.map(({ name }) => name), [deployments]);
  const { list, parts, start, rowHeight, reveal } = useVirtualList({ keys, rowHeight: firstRowHeight });
  const chosen = choice?.kind === 'function' && choice.of.target === target ? choice.of.name : null;
  const isListed = chosen !== null && keys.includes(chosen);
  // What is chosen on the page is in sight here as well.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of the list leaves it where a person scrolled it to.
  useEffect(() => {
    if (chosen !== null && isListed) reveal(chosen);
  }, [chosen, isListed]);
  const count = deployments.length + 1;
  return (
    <ul {...list} className={rows.rows} aria-label={`Functions on ${target}`}>
      <li className={joinClasses(rows.row, isChosen && rows.active)} aria-posinset={1} aria-setsize={count}>
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
      {parts.map((part, at) => {
        if ('gap' in part) {
          const ref = at === 0 ? (start as RefObject<HTMLLIElement | null>) : undefined;
          return <li key={part.key} ref={ref} aria-hidden style={{ height: part.gap * rowHeight }} />;
        }
        const deployment = deployments[part.index];
        return (
          deployment !== undefined && (
            <FunctionRow key={deployment.name} index={part.index} count={count} deployment={deployment} />
          )
        );
      })}
    </ul>
  );
}

interface FunctionRowProps {
  readonly index: number;
  /** Items of the list, with its head. */
  readonly count: number;
  readonly deployment: Deployment;
}

/** A cluster has hundreds: only the rows in view are drawn, and of these only those that change are drawn again. */
const FunctionRow = memo(({ index, count, deployment }: FunctionRowProps) => {
  const studio = useStudio();
  const { target, name, state, replicas, message } = deployment;
  const isChosen = useDeploy(
    ({ choice }) => choice?.kind === 'function' && choice.of.target === target && choice.of.name === name,
  );
  return (
    <li
      className={joinClasses(rows.row, isChosen && rows.active)}
      data-index={index}
      aria-posinset={index + 2}
      aria-setsize={count}
    >
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

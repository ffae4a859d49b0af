import { memo } from 'react';
import type { Deployment } from '#shared/model/deploy.ts';
import { useNow, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { formatAgo } from '../../ui/format.ts';
import { useRowList } from '../../ui/row-list.tsx';
import { ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from '../../ui/table.module.css';
import { StateDot } from './state-dot.tsx';
import { useDeploy } from './use-deploy.ts';

/** The functions on a cluster: the state of each, and since when. */
export function FunctionTable({ target }: { readonly target: string }) {
  const studio = useStudio();
  const functions = useDeploy((state) => state.functions[target]);
  const now = useNow(10_000);
  const list = useRowList();
  if (functions?.error != null) {
    return (
      <ErrorState
        error={functions.error}
        actions={<Button onClick={() => studio.deploy.followAgain(target)}>Try again</Button>}
      />
    );
  }
  if (functions?.value == null) return <LoadingState message={`Asking ${target}`} />;
  if (functions.value.length === 0) return <p className="muted">No function is deployed here.</p>;
  return (
    <table className={styles.table} aria-label={`Functions on ${target}`} {...list}>
      <thead>
        <tr>
          <th scope="col">Function</th>
          <th scope="col">State</th>
          <th scope="col">Ready</th>
          <th scope="col">Revision</th>
          <th scope="col">Runtime</th>
          <th scope="col">Deployed</th>
        </tr>
      </thead>
      <tbody>
        {functions.value.map((deployment) => (
          <FunctionRow key={deployment.name} deployment={deployment} ago={agoOf(deployment, now)} />
        ))}
      </tbody>
    </table>
  );
}

const agoOf = ({ deployedAt }: Deployment, now: number) =>
  deployedAt === '' ? '' : formatAgo(Date.parse(deployedAt), now);

/** A cluster has hundreds: only the rows that change are drawn again. */
const FunctionRow = memo(({ deployment, ago }: { readonly deployment: Deployment; readonly ago: string }) => {
  const studio = useStudio();
  const { target, name, state, message, replicas, revision, runtime } = deployment;
  return (
    <tr>
      <th scope="row">
        <button
          type="button"
          data-row
          className={styles.link}
          onClick={() => studio.deploy.open({ kind: 'function', of: { target, name } })}
        >
          {name}
        </button>
      </th>
      <td data-tip={message === '' ? undefined : message}>
        <span className={styles.state}>
          <StateDot state={state} />
          {state}
        </span>
      </td>
      <td className="mono">
        {replicas.ready}/{replicas.wanted}
      </td>
      <td className="mono">{revision}</td>
      <td>{runtime}</td>
      <td className="muted">{ago}</td>
    </tr>
  );
});

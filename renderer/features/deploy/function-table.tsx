import { memo, type RefObject, useMemo, useState } from 'react';
import type { Deployment } from '#shared/model/deploy.ts';
import { useNow, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { FilterInput, matchesWords } from '../../ui/filter-input.tsx';
import { formatAgo } from '../../ui/format.ts';
import { type Sort, sortRows } from '../../ui/sort.ts';
import { SortHeading } from '../../ui/sort-heading.tsx';
import { ErrorState, LoadingState } from '../../ui/states.tsx';
import table from '../../ui/table.module.css';
import { useVirtualList } from '../../ui/virtual-list.ts';
import styles from './function-table.module.css';
import { StateDot } from './state-dot.tsx';
import { useDeploy } from './use-deploy.ts';

/** Units: px, as in the style sheet. */
const rowHeight = 28;
const headHeight = 24;

/** The functions on a cluster: the state of each, and since when. They can be sorted and filtered. */
export function FunctionTable({ target }: { readonly target: string }) {
  const studio = useStudio();
  const functions = useDeploy((state) => state.functions[target]);
  const { error = null, value = null } = functions ?? {};
  if (value === null && error === null) return <LoadingState message={`Asking ${target}`} />;
  return (
    <>
      {error !== null && (
        <ErrorState
          compact={value !== null}
          error={error}
          actions={<Button onClick={() => studio.deploy.followAgain(target)}>Try again</Button>}
        />
      )}
      {value !== null && error !== null && (
        <p className="muted">It is asked again every few seconds. What it last said:</p>
      )}
      {value?.length === 0 && <p className="muted">No function is deployed here.</p>}
      {value !== null && value.length > 0 && <FunctionRows target={target} functions={value} />}
    </>
  );
}

/** A state that needs a person comes first. */
const stateOrder: readonly Deployment['state'][] = ['failing', 'progressing', 'paused', 'stopped', 'ready'];

/** The columns with their sort keys. */
const columns = {
  Function: ({ name }: Deployment) => name,
  State: ({ state }: Deployment) => stateOrder.indexOf(state),
  Ready: ({ replicas }: Deployment) => replicas.ready,
  Revision: ({ revision }: Deployment) => revision,
  Runtime: ({ runtime }: Deployment) => runtime,
  Deployed: ({ deployedAt }: Deployment) => (deployedAt === '' ? null : deployedAt),
} as const;
type Column = keyof typeof columns;

interface FunctionRowsProps {
  readonly target: string;
  readonly functions: readonly Deployment[];
}

/** A cluster has hundreds: only the rows in view are drawn, and of these only those that change are drawn again. */
function FunctionRows({ target, functions }: FunctionRowsProps) {
  const now = useNow(10_000);
  const [query, setQuery] = useState('');
  const [sort, setSort] = useState<Sort<Column>>({ by: 'Function', ascending: true });
  const rows = useMemo(
    () =>
      sortRows(
        functions.filter(({ name, state, message, runtime }) => matchesWords(query, [name, state, message, runtime])),
        columns[sort.by],
        sort.ascending,
      ),
    [functions, query, sort],
  );
  const keys = useMemo(() => rows.map(({ name }) => name), [rows]);
  const virtual = useVirtualList({ keys, rowHeight, headHeight });
  return (
    <div className={styles.functions}>
      {functions.length > 1 && (
        <div className={styles.tools}>
          <FilterInput label={`Filter the functions on ${target}`} value={query} onChange={setQuery} />
          <span className="muted" role="status">
            {rows.length === functions.length
              ? `${rows.length} functions`
              : `${rows.length} of ${functions.length} functions`}
          </span>
        </div>
      )}
      <table
        className={`${table.table} ${styles.table}`}
        aria-label={`Functions on ${target}`}
        aria-rowcount={rows.length + 1}
        {...virtual.list}
      >
        <thead>
          <tr aria-rowindex={1}>
            {(Object.keys(columns) as Column[]).map((name) => (
              <SortHeading
                key={name}
                name={name}
                sort={sort}
                className={name === 'Function' ? undefined : styles.narrow}
                onSort={setSort}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {virtual.parts.map((part, at) => {
            if ('gap' in part) {
              const ref = at === 0 ? (virtual.start as RefObject<HTMLTableRowElement | null>) : undefined;
              return <tr key={part.key} ref={ref} aria-hidden style={{ height: part.gap * virtual.rowHeight }} />;
            }
            const deployment = rows[part.index];
            return (
              deployment !== undefined && (
                <FunctionRow
                  key={deployment.name}
                  index={part.index}
                  deployment={deployment}
                  ago={agoOf(deployment, now)}
                />
              )
            );
          })}
        </tbody>
      </table>
      {rows.length === 0 && <p className="muted">No function has these words.</p>}
    </div>
  );
}

const agoOf = ({ deployedAt }: Deployment, now: number) =>
  deployedAt === '' ? '' : formatAgo(Date.parse(deployedAt), now);

interface FunctionRowProps {
  readonly index: number;
  readonly deployment: Deployment;
  readonly ago: string;
}

const FunctionRow = memo(({ index, deployment, ago }: FunctionRowProps) => {
  const studio = useStudio();
  const { target, name, state, message, replicas, revision, runtime } = deployment;
  return (
    <tr data-index={index} aria-rowindex={index + 2}>
      <th scope="row" className="ellipsis">
        <button
          type="button"
          data-row
          className={table.link}
          onClick={() => studio.deploy.open({ kind: 'function', of: { target, name } })}
        >
          {name}
        </button>
      </th>
      <td data-tip={message === '' ? undefined : message}>
        <span className={table.state}>
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

import { isLoopback, type Target, type TargetCheck } from '#shared/model/deploy.ts';
import { useProject, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import facts from '../../ui/facts.module.css';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import table from '../../ui/table.module.css';
import { FunctionTable } from './function-table.tsx';
import styles from './target-view.module.css';
import { useDeploy } from './use-deploy.ts';

/** The actions on a cluster. */
export function TargetActions({ target }: { readonly target: string }) {
  const { deploy } = useStudio();
  const project = useProject();
  return (
    <>
      {project !== null && (
        <Button icon="deployments" onClick={() => void deploy.deploy(project.id, target)}>
          Deploy {project.name} here
        </Button>
      )}
      <Button icon="environment" onClick={() => void deploy.testTarget(target)}>
        Test it
      </Button>
      <Button icon="trash" onClick={() => deploy.removeTarget(target)}>
        Remove
      </Button>
    </>
  );
}

/** A cluster: its connection, its checks, and the functions on it. */
export function TargetView({ target }: { readonly target: string }) {
  const { deploy } = useStudio();
  const found = useDeploy((state) => state.targets.value?.find(({ name }) => name === target));
  const checks = useDeploy((state) => state.checks[target]);
  if (found === undefined) return <EmptyState title="This target is no longer on the list" />;
  return (
    <div className={styles.target}>
      <FunctionTable target={target} />
      <dl className={`${facts.facts} ${styles.facts} selectable`}>
        <Facts target={found} />
      </dl>
      {checks === undefined ? (
        <p className="muted">Test it to see what a deploy would find there.</p>
      ) : checks.error !== null ? (
        <ErrorState
          error={checks.error}
          actions={<Button onClick={() => void deploy.testTarget(target)}>Try again</Button>}
        />
      ) : checks.value === null ? (
        <LoadingState message={`Looking at ${target}`} />
      ) : (
        <Checks checks={checks.value} />
      )}
    </div>
  );
}

function Facts({ target }: { readonly target: Target }) {
  if (target.kind === 'libvirt') {
    return (
      <>
        <dt>Hosts</dt>
        {target.uris.map((uri) => (
          <dd key={uri} className="mono">
            {uri}
          </dd>
        ))}
        <dt>Endpoints</dt>
        <dd className="mono">
          {target.listen}
          {isLoopback(target.listen) ? ': for programs of each host' : ': open to whoever reaches it'}
        </dd>
      </>
    );
  }
  return (
    <>
      <dt>Kubeconfig</dt>
      <dd className="mono">{target.kubeconfig ?? 'KUBECONFIG, or ~/.kube/config'}</dd>
      <dt>Context</dt>
      <dd className="mono">{target.context ?? 'the current one'}</dd>
      <dt>Namespace</dt>
      <dd className="mono">{target.namespace ?? 'that of the context'}</dd>
      <dt>Registry</dt>
      <dd className="mono">{target.registry}</dd>
      {target.pullSecret !== null && (
        <>
          <dt>Pull Secret</dt>
          <dd className="mono">{target.pullSecret}</dd>
        </>
      )}
    </>
  );
}

const words = { ok: 'ok', warning: 'warning', failed: 'failed' } as const;

function Checks({ checks }: { readonly checks: readonly TargetCheck[] }) {
  return (
    <table className={table.table} aria-label="What a deploy would find">
      <tbody>
        {checks.map(({ id, title, status, found, fix }) => (
          <tr key={id}>
            <th scope="row">{title}</th>
            <td>
              <span className={styles.status} data-status={status}>
                {words[status]}
              </span>
            </td>
            <td className={`${table.wide} selectable`}>
              {found}
              {fix !== null && status !== 'ok' && <p className={`${table.fix} mono muted`}>{fix}</p>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

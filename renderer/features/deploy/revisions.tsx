import type { DeployRevision } from '#shared/model/deploy.ts';
import { useNow, useStudio } from '../../bind/studio.tsx';
import type { DeployedRef } from '../../state/deployments.ts';
import { Button } from '../../ui/button.tsx';
import { formatAgo } from '../../ui/format.ts';
import { useRowList } from '../../ui/row-list.tsx';
import table from './table.module.css';

/** The revisions that the cluster keeps, each with a rollback. */
export function RevisionTable({
  of,
  revisions,
}: {
  readonly of: DeployedRef;
  readonly revisions: readonly DeployRevision[];
}) {
  const { deploy } = useStudio();
  const now = useNow(10_000);
  const list = useRowList();
  const current = revisions.find(({ isCurrent }) => isCurrent);
  return (
    <table className={table.table} aria-label="Revisions" {...list}>
      <thead>
        <tr>
          <th scope="col">Revision</th>
          <th scope="col">Deployed</th>
          <th scope="col">Image</th>
          <th scope="col">
            <span className="sr-only">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {revisions.map(({ revision, deployedAt, image, isCurrent }) => (
          <tr key={revision}>
            <th scope="row" className="mono">
              {revision}
            </th>
            <td className="muted">{formatAgo(Date.parse(deployedAt), now)}</td>
            <td className={`${table.digest} mono muted selectable`} data-tip={image}>
              {image.split('@').at(-1)}
            </td>
            <td>
              {isCurrent ? (
                <span className="ok">runs</span>
              ) : image === current?.image ? (
                <span className="muted">the same image</span>
              ) : (
                <Button kind="quiet" onClick={() => void deploy.rollBack(of, revision)}>
                  Go back to it
                </Button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Deployment, DeployRevision } from '#shared/model/deploy.ts';
import { useNow, useStudio } from '../../bind/studio.tsx';
import type { DeployedRef } from '../../state/deployments.ts';
import { Button } from '../../ui/button.tsx';
import field from '../../ui/field.module.css';
import { formatAgo } from '../../ui/format.ts';
import table from '../../ui/table.module.css';
import styles from './revisions.module.css';
import {
  checkShares,
  isShare,
  listShareRows,
  presentShares,
  type ShareOf,
  type TypedShares,
  typedFrom,
} from './traffic-shares.ts';

export interface RevisionsProps {
  readonly of: DeployedRef;
  readonly deployment: Deployment;
  readonly revisions: readonly DeployRevision[];
}

/** The revisions that the cluster keeps, each with a rollback, and for a Knative Service with its share of the requests. */
export function Revisions({ of, deployment, revisions }: RevisionsProps) {
  const { deploy } = useStudio();
  const [typed, setTyped] = useState<TypedShares | null>(null);
  const head = useRef<HTMLElement>(null);
  const isKnative = deployment.workload === 'knative';
  const present = presentShares(deployment);
  const rows = isKnative ? listShareRows(present, revisions) : revisions.map(({ revision }) => revision);
  const wasTyping = useRef(false);
  useEffect(() => {
    if (wasTyping.current && typed === null) head.current?.querySelector('button')?.focus();
    if (!wasTyping.current && typed !== null) head.current?.parentElement?.scrollIntoView({ block: 'nearest' });
    wasTyping.current = typed !== null;
  }, [typed]);
  const checked = typed === null ? null : checkShares(typed);
  const submit = () => {
    if (checked?.changes == null) return;
    deploy.splitTraffic(of, checked.changes, deployment.revision, () => setTyped(null));
  };
  return (
    <section className={styles.revisions} aria-label="Revisions and traffic">
      <header className={styles.head} ref={head}>
        <h2>Revisions</h2>
        {!isKnative && (
          <p className="muted">
            All requests go to revision {deployment.revision}; a Knative Service can split them between several.
          </p>
        )}
        {isKnative && typed === null && (
          <Button onClick={() => setTyped(typedFrom(present, rows))}>Split the traffic</Button>
        )}
      </header>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key !== 'Escape' || typed === null) return;
          event.preventDefault();
          setTyped(null);
        }}
      >
        <table className={table.table} aria-label="Revisions">
          <thead>
            <tr>
              <th scope="col">Revision</th>
              {isKnative && (
                <th scope="col" className={styles.traffic}>
                  Traffic
                </th>
              )}
              <th scope="col">Deployed</th>
              <th scope="col">Image</th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row}>
                <th scope="row" className="mono">
                  {row}
                </th>
                {isKnative && (
                  <td className={styles.traffic}>
                    {typed === null ? (
                      <Share
                        percent={present.get(row) ?? 0}
                        isLatest={row === deployment.revision && present.has('latest')}
                      />
                    ) : (
                      <ShareInput
                        row={row}
                        text={typed.get(row) ?? ''}
                        isFirst={row === rows[0]}
                        onType={(text) => setTyped(new Map([...typed, [row, text]]))}
                      />
                    )}
                  </td>
                )}
                <RevisionCells of={of} row={row} deployment={deployment} revisions={revisions} />
              </tr>
            ))}
          </tbody>
        </table>
        {typed !== null && (
          <div className={styles.split}>
            <p role="status" className={checked?.problem == null ? 'muted' : 'danger'}>
              {checked?.problem ?? 'The shares make 100 %.'}
            </p>
            <Button
              kind="quiet"
              onClick={() => setTyped(new Map(rows.map((row) => [row, row === 'latest' ? '100' : ''])))}
            >
              All to the newest
            </Button>
            <Button onClick={() => setTyped(null)} shortcut="Esc">
              Cancel
            </Button>
            <Button kind="primary" type="submit" disabled={checked?.changes == null}>
              Split
            </Button>
          </div>
        )}
      </form>
    </section>
  );
}

/** A share of the requests, which a bar shows as well. The revision that is the newest gets that of the row `latest`. */
function Share({ percent, isLatest }: { readonly percent: number; readonly isLatest: boolean }) {
  if (percent === 0) return <span className="faint">{isLatest ? 'as latest' : '–'}</span>;
  return (
    <span className={styles.share}>
      <span className={styles.bar} aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      <span className="mono">{percent} %</span>
    </span>
  );
}

interface ShareInputProps {
  readonly row: ShareOf;
  readonly text: string;
  readonly isFirst: boolean;
  readonly onType: (text: string) => void;
}

function ShareInput({ row, text, isFirst, onType }: ShareInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) input.current?.select();
  }, [isFirst]);
  return (
    <span className={styles.share}>
      <input
        ref={input}
        className={`${field.input} ${styles.input} mono`}
        inputMode="numeric"
        aria-label={row === 'latest' ? 'Share of the newest revision in %' : `Share of revision ${row} in %`}
        aria-invalid={!isShare(text)}
        placeholder="0"
        value={text}
        onChange={({ target }) => onType(target.value)}
      />
      %
    </span>
  );
}

/** When a revision was deployed, its image, and the way back to it; in the row of the newest, what that is. */
function RevisionCells({ of, row, deployment, revisions }: RevisionsProps & { readonly row: ShareOf }) {
  const { deploy } = useStudio();
  const now = useNow(10_000);
  const found = revisions.find(({ revision }) => revision === row);
  const current = revisions.find(({ isCurrent }) => isCurrent);
  if (found === undefined) {
    return (
      <td colSpan={3} className="muted">
        {row === 'latest'
          ? `Whichever is the newest, now ${deployment.revision}: each deploy takes its place.`
          : 'The cluster no longer lists it.'}
      </td>
    );
  }
  return (
    <>
      <td className="muted">{formatAgo(Date.parse(found.deployedAt), now)}</td>
      <td className={`${table.digest} mono muted selectable`} data-tip={found.image}>
        {found.image.split('@').at(-1)}
      </td>
      <td>
        {found.isCurrent ? (
          <span className="ok">{deployment.workload === 'knative' ? 'newest' : 'runs'}</span>
        ) : (found.isSame ?? found.image === current?.image) ? (
          <span className="muted">the same</span>
        ) : (
          <span className={styles.back}>
            <Button kind="quiet" onClick={() => void deploy.rollBack(of, found.revision)}>
              Go back to it
            </Button>
          </span>
        )}
      </td>
    </>
  );
}

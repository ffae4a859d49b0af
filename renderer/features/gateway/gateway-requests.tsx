import type { Gateway } from '#shared/model/gateway.ts';
import { useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { formatClock, formatMs } from '../../ui/format.ts';
import table from '../../ui/table.module.css';
import styles from './gateway.module.css';
import { useGatewayState } from './use-gateway.ts';

/** The last requests that this window has seen, newest first: those of one function, or of all. */
export function GatewayRequests({ gateway: { functions } }: { readonly gateway: Gateway }) {
  const studio = useStudio();
  const requests = useGatewayState((state) => state.requests);
  const chosen = useGatewayState((state) => state.chosen);
  const one = functions.find(({ projectId }) => projectId === chosen);
  const shown = one === undefined ? requests : requests.filter(({ projectId }) => projectId === chosen);
  const example = one ?? functions[0];
  return (
    <section aria-label="Requests">
      <header className={styles.head}>
        <h2>{one === undefined ? 'Requests' : `Requests to ${one.name}`}</h2>
        <span className="muted">the last 100 since this window opened</span>
        {one !== undefined && (
          <Button kind="quiet" onClick={() => studio.gateway.choose(one.projectId)}>
            Show all
          </Button>
        )}
      </header>
      {shown.length === 0 ? (
        <p className="muted selectable">
          None yet. {example !== undefined && <span className="mono">{`curl ${example.url}`}</span>}
        </p>
      ) : (
        <table className={`${table.table} ${styles.requests}`} aria-label="Requests">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Function</th>
              <th scope="col">Request</th>
              <th scope="col">Status</th>
              <th scope="col">Took</th>
              <th scope="col">Start</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((request) => {
              const { at, functionName, projectId, method, path, status, durationMs, waitedMs, runId, error } = request;
              return (
                <tr key={request.serial}>
                  <td className="muted">{formatClock(at)}</td>
                  <td>{functionName}</td>
                  <td className={styles.request}>
                    <p className="mono ellipsis selectable" data-tip={path}>
                      {method} {path}
                    </p>
                    {error !== null && <p className="danger selectable">{error}</p>}
                  </td>
                  <td className={status < 400 ? 'ok mono' : 'danger mono'}>{status}</td>
                  <td
                    className="mono"
                    data-tip={waitedMs < 1 ? undefined : `${formatMs(waitedMs)} of it waiting for an instance`}
                  >
                    {formatMs(durationMs)}
                  </td>
                  <td>
                    {runId !== null && projectId !== null ? (
                      <button
                        type="button"
                        className={table.link}
                        data-tip="Show its timeline"
                        onClick={() => void studio.gateway.showRun(projectId, runId)}
                      >
                        cold start
                      </button>
                    ) : (
                      <span className="muted">{error === null && projectId !== null ? 'warm' : '–'}</span>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}

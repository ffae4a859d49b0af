import type { Gateway, GatewayFunction } from '#shared/model/gateway.ts';
import { useNow, useSession, useStudio } from '../../bind/studio.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { formatAgo, formatMs } from '../../ui/format.ts';
import { useRowList } from '../../ui/row-list.tsx';
import table from '../../ui/table.module.css';
import styles from './gateway.module.css';
import { useGatewayState } from './use-gateway.ts';

/** The functions behind the gateway, each with what it has and does now. */
export function GatewayFunctions({ gateway: { functions, limits } }: { readonly gateway: Gateway }) {
  const studio = useStudio();
  const chosen = useGatewayState((state) => state.chosen);
  const invalid = useSession((state) => state.projects.value);
  const now = useNow(10_000);
  const list = useRowList();
  const troubleOf = ({ name, projectId }: GatewayFunction): string | null => {
    if (functions.filter((other) => other.name === name).length > 1)
      return 'Two open functions have this name: rename or close one.';
    return invalid?.find(({ id }) => id === projectId)?.config === null ? 'Its firstlight.json is not valid.' : null;
  };
  return (
    <table className={`${table.table} ${styles.functions}`} aria-label="Functions behind the gateway" {...list}>
      <thead>
        <tr>
          <th scope="col">Function</th>
          <th scope="col">Path</th>
          <th scope="col">Instances</th>
          <th scope="col">Waiting</th>
          <th scope="col">Requests</th>
          <th scope="col">Last cold start</th>
        </tr>
      </thead>
      <tbody>
        {functions.map((entry) => {
          const { name, projectId, url, instances, busy, waiting, concurrency, requests, lastColdStart } = entry;
          const trouble = troubleOf(entry);
          return (
            <tr key={projectId} className={chosen === projectId ? styles.chosen : undefined}>
              <th scope="row" className={styles.name}>
                <button
                  type="button"
                  data-row
                  className={table.link}
                  aria-current={chosen === projectId}
                  data-tip={chosen === projectId ? 'Show the requests of all functions' : 'Show its requests only'}
                  onClick={() => studio.gateway.choose(projectId)}
                >
                  {name}
                </button>
                {trouble !== null && <p className="danger">{trouble}</p>}
              </th>
              <td>
                <span className={styles.path}>
                  <span className="mono ellipsis selectable" data-tip={url}>
                    {new URL(url).pathname}
                  </span>
                  <CopyButton label={`Copy the address of ${name}`} text={url} />
                </span>
              </td>
              <td data-tip={`${busy} of them serve a request`}>
                <span className="mono">{instances}</span> <span className="muted">of {concurrency}</span>
              </td>
              <td>
                <span className={waiting > 0 ? 'mono warning' : 'mono'}>{waiting}</span>{' '}
                <span className="muted">of {limits.queue}</span>
              </td>
              <td className="mono">{requests}</td>
              <td>
                {lastColdStart === null ? (
                  <span className="faint">none yet</span>
                ) : (
                  <>
                    <button
                      type="button"
                      className={`${table.link} mono`}
                      data-tip="Show its timeline"
                      aria-label={`Cold start of ${name}, ${formatMs(lastColdStart.durationMs)}: show its timeline`}
                      onClick={() => void studio.gateway.showRun(projectId, lastColdStart.runId)}
                    >
                      {formatMs(lastColdStart.durationMs)}
                    </button>{' '}
                    <span className="muted">{formatAgo(Date.parse(lastColdStart.at), now)}</span>
                  </>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

import { type ReactNode, useState } from 'react';
import type { ReplicaStats } from '#shared/model/deploy.ts';
import type { DeployedRef } from '../../state/deployments.ts';
import { formatBytes, formatPercent } from '../../ui/instrument-format.ts';
import { EmptyState } from '../../ui/states.tsx';
import table from '../../ui/table.module.css';
import styles from './function-resources.module.css';
import { type Reading, useUsage } from './use-usage.ts';

/** What a cluster or a host measured of one replica at one time. */
export type ReplicaReading = Pick<ReplicaStats, 'cpuPercent' | 'memoryBytes'> & { readonly atMs: number };

export interface FunctionResourcesProps {
  readonly of: DeployedRef;
  readonly stopped: boolean;
  /** Draws the readings of a replica: graphs belong to another feature. */
  readonly render: (replica: string, readings: readonly ReplicaReading[]) => ReactNode;
}

const sources = {
  metrics: 'from the cluster’s metrics API',
  kubelet: 'from the kubelets: there is no metrics API',
  libvirt: 'from libvirt',
} as const;

/** The processor time and the memory that each replica of a deployed function uses, now and over the last minutes. */
export function FunctionResources({ of, stopped, render }: FunctionResourcesProps) {
  const { readings, error } = useUsage(of, !stopped);
  const [wanted, setWanted] = useState<string | null>(null);
  const replicas = readings.at(-1)?.replicas ?? [];
  const chosen = replicas.find(({ name }) => name === wanted) ?? replicas[0];
  const source = chosen === undefined ? '' : sources[chosen.source];
  return (
    <section aria-label="Resources of its replicas">
      <header className={styles.head}>
        <h2>Resources</h2>
        <p className="muted">{error === null ? source : [error.message, error.hint].filter(Boolean).join(' ')}</p>
      </header>
      {stopped ? (
        <EmptyState title="No replica runs">It is scaled to zero, and uses nothing.</EmptyState>
      ) : (
        chosen !== undefined && (
          <div className={styles.body}>
            <div className={styles.replicas}>
              <table className={table.table} aria-label="Replicas">
                <thead>
                  <tr>
                    <th scope="col">Replica</th>
                    <th scope="col">Runs on</th>
                    <th scope="col">CPU</th>
                    <th scope="col">Memory</th>
                    <th scope="col">Restarts</th>
                  </tr>
                </thead>
                <tbody>
                  {replicas.map((one) => (
                    <tr key={one.name} data-shown={one === chosen}>
                      <th scope="row">
                        <button
                          type="button"
                          className="mono"
                          aria-pressed={one === chosen}
                          data-tip="Show its graphs"
                          onClick={() => setWanted(one.name)}
                        >
                          {one.name}
                        </button>
                      </th>
                      <td className="mono">{one.place}</td>
                      <td>{one.cpuPercent === null ? 'unknown' : formatPercent(one.cpuPercent / 100)}</td>
                      <td>{one.memoryBytes === null ? 'unknown' : formatBytes(one.memoryBytes)}</td>
                      <td>{one.restarts ?? 'not counted'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <div className={styles.graphs}>{render(chosen.name, readingsOf(readings, chosen.name))}</div>
          </div>
        )
      )}
    </section>
  );
}

const readingsOf = (readings: readonly Reading[], replica: string): readonly ReplicaReading[] =>
  readings.flatMap(({ atMs, replicas }) =>
    replicas
      .filter(({ name }) => name === replica)
      .map(({ cpuPercent, memoryBytes }) => ({ atMs, cpuPercent, memoryBytes })),
  );

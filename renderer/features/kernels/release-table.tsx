import type { KernelRelease } from '#shared/model/kernel.ts';
import { useNow, useStudio } from '../../bind/studio.tsx';
import type { KernelRuntime } from '../../state/kernels.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { formatAgo, formatBytes } from '../../ui/format.ts';
import { useRowList } from '../../ui/row-list.tsx';
import styles from './release-table.module.css';

export interface ReleaseTableProps {
  readonly runtime: KernelRuntime;
  readonly releases: readonly KernelRelease[];
}

/** The installed releases: the origin and content of each, and the one that builds use. */
export function ReleaseTable({ runtime, releases }: ReleaseTableProps) {
  const studio = useStudio();
  const now = useNow(10_000);
  const list = useRowList();
  return (
    <table className={styles.table} {...list}>
      <caption className="sr-only">Installed releases</caption>
      <thead>
        <tr>
          <th scope="col">Release</th>
          <th scope="col">From</th>
          <th scope="col">Size</th>
          <th scope="col">{runtime.kernels.moduleWord}</th>
          <th scope="col">Symbols</th>
          <th scope="col">Installed</th>
          <th scope="col">
            <span className="sr-only">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {releases.map((release) => (
          <tr key={release.version} className={release.inUse ? styles.used : undefined}>
            <th scope="row" className="mono selectable" data-tip={`sha256 ${release.digest}`}>
              {release.version}
            </th>
            <td>{release.source === 'official' ? 'published' : 'a local build'}</td>
            <td className="mono">{formatBytes(release.bytes)}</td>
            <td data-tip={release.modules.join(', ')}>
              <span className="mono">{release.modules.length}</span>
              <span className={`muted ${styles.klibs} ellipsis`}>{release.modules.join(', ')}</span>
            </td>
            <td
              className={release.hasSymbols ? undefined : 'muted'}
              data-tip={
                release.hasSymbols
                  ? 'Its kernel has symbols: a crash report names functions'
                  : 'Its kernel has no symbols: a crash report has addresses only'
              }
            >
              {release.hasSymbols ? 'yes' : 'no'}
            </td>
            <td className="muted">{formatAgo(Date.parse(release.installedAt), now)}</td>
            <td className={styles.actions}>
              <span>
                {release.inUse ? (
                  <span className={`ok ${styles.badge}`}>in use</span>
                ) : (
                  <Button kind="quiet" onClick={() => void studio.kernels.use(runtime.id, release.version)}>
                    Use
                  </Button>
                )}
                <IconButton
                  icon="trash"
                  label={`Remove ${release.version}`}
                  onClick={() => studio.kernels.remove(runtime.id, release)}
                />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

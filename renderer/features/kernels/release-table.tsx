import type { NanosRelease } from '#shared/model/nanos.ts';
import { useNow, useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { formatAgo, formatBytes } from '../../ui/format.ts';
import { moveInList } from '../../ui/list.ts';

/** What is installed: where it is from, what it holds, and which one builds use. */
export function ReleaseTable({ releases }: { readonly releases: readonly NanosRelease[] }) {
  const studio = useStudio();
  const now = useNow(10_000);
  return (
    <table className="release-table" onKeyDown={moveInList}>
      <caption className="sr-only">Installed releases</caption>
      <thead>
        <tr>
          <th scope="col">Release</th>
          <th scope="col">From</th>
          <th scope="col">Size</th>
          <th scope="col">klibs</th>
          <th scope="col">Symbols</th>
          <th scope="col">Installed</th>
          <th scope="col">
            <span className="sr-only">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {releases.map((release) => (
          <tr key={release.version} className={release.inUse ? 'release-used' : undefined}>
            <th scope="row" className="mono selectable" data-tip={`sha256 ${release.digest}`}>
              {release.version}
            </th>
            <td>{release.source === 'official' ? 'published' : 'a local build'}</td>
            <td className="mono">{formatBytes(release.bytes)}</td>
            <td data-tip={release.klibs.join(', ')}>
              <span className="mono">{release.klibs.length}</span>
              <span className="muted release-klibs ellipsis">{release.klibs.join(', ')}</span>
            </td>
            <td
              className={release.hasSymbols ? undefined : 'muted'}
              data-tip={
                release.hasSymbols
                  ? 'Its kernel has symbols: a crash is told by function'
                  : 'Its kernel has no symbols: a crash is told by address'
              }
            >
              {release.hasSymbols ? 'yes' : 'no'}
            </td>
            <td className="muted">{formatAgo(Date.parse(release.installedAt), now)}</td>
            <td className="release-actions">
              <span>
                {release.inUse ? (
                  <span className="ok release-badge">in use</span>
                ) : (
                  <Button kind="quiet" onClick={() => void studio.nanos.use(release.version)}>
                    Use
                  </Button>
                )}
                <IconButton
                  icon="trash"
                  label={`Remove ${release.version}`}
                  onClick={() => studio.nanos.remove(release)}
                />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

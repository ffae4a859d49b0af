import type { ImageInfo } from '#shared/model/image-tree.ts';
import facts from '../../ui/facts.module.css';
import { formatBytes } from '../../ui/format.ts';
import styles from './image-facts.module.css';

/** The main facts of an image: its program, its identity, and its disk use. */
export function ImageFacts({ info }: { readonly info: ImageInfo }) {
  const { fileSystem } = info;
  return (
    <div className={styles.facts}>
      {fileSystem !== null && (
        <dl className={`${facts.facts} ${styles.lines}`}>
          <dt>Starts</dt>
          <dd className="mono selectable ellipsis" data-tip={commandOf(fileSystem)}>
            {fileSystem.program === null ? <span className="muted">no program is named</span> : commandOf(fileSystem)}
          </dd>
          <dt>Volume</dt>
          <dd className="selectable ellipsis">
            {fileSystem.label === '' ? <span className="muted">no label</span> : fileSystem.label}{' '}
            <span className={`mono muted ${styles.uuid}`}>{fileSystem.uuid}</span>
          </dd>
        </dl>
      )}
      {fileSystem === null ? (
        <p className={styles.kernel}>
          <strong>{formatBytes(info.fileBytes)}</strong>{' '}
          <span className="muted">kernel with the function in it: it boots without a disk, and holds no files</span>
        </p>
      ) : (
        <DiskBar info={info} />
      )}
    </div>
  );
}

/** The program with its arguments. The first argument is the program's own name. */
const commandOf = ({ program, arguments: args }: { program: string | null; arguments: readonly string[] }): string =>
  [program ?? '', ...args.slice(1)].join(' ');

/** The parts of the disk as one bar; they add up to the whole. */
function DiskBar({ info }: { readonly info: ImageInfo }) {
  const parts = diskParts(info);
  const total = parts.reduce((sum, part) => sum + part.bytes, 0);
  return (
    <figure className={styles.disk} aria-label="How the disk is used">
      <div className={styles.diskBar} aria-hidden="true">
        {parts.map((part) => (
          <span
            key={part.name}
            data-part={part.name}
            data-tip={`${part.name}: ${formatBytes(part.bytes)}`}
            style={{ flexGrow: part.bytes / Math.max(1, total) }}
          />
        ))}
      </div>
      <figcaption className={styles.diskLegend}>
        <span>
          <strong>{formatBytes(info.diskBytes)}</strong> <span className="muted">{info.format} disk</span>
        </span>
        {parts.map((part) => (
          <span key={part.name} className={styles.diskPart}>
            <span className={styles.diskSwatch} data-part={part.name} />
            {part.name} <span className="mono">{formatBytes(part.bytes)}</span>
          </span>
        ))}
        <OnHost info={info} />
      </figcaption>
    </figure>
  );
}

/** The file's size on this machine, where it differs from the disk's size. */
function OnHost({ info }: { readonly info: ImageInfo }) {
  if (info.backing.length > 0) {
    return (
      <span className="muted" data-tip={`It builds on\n${info.backing.join('\n')}`}>
        {formatBytes(info.allocatedBytes)} of its own, the rest in a base that other images share
      </span>
    );
  }
  if (info.allocatedBytes >= info.diskBytes) return null;
  return (
    <span className="muted" data-tip="Holes in the file take no room on this machine">
      {formatBytes(info.allocatedBytes)} on this machine
    </span>
  );
}

/** Pieces of a disk in the order they are read, without empty ones. Units: bytes. */
export function diskParts(info: ImageInfo): readonly { readonly name: string; readonly bytes: number }[] {
  const { fileSystem, partitions } = info;
  if (fileSystem === null) return [];
  const others = partitions.filter((part) => part.kind !== fileSystem.partition);
  const log = fileSystem.log.reservedBytes;
  const free = fileSystem.freeBytes;
  return [
    ...others.map((part) => ({ name: part.kind as string, bytes: part.bytes as number })),
    { name: 'files', bytes: Math.max(0, fileSystem.bytes - log - free) },
    { name: 'log', bytes: log },
    { name: 'free', bytes: free },
  ].filter((part) => part.bytes > 0);
}

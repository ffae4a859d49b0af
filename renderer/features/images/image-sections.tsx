import type { ImageInfo } from '#shared/model/image-tree.ts';
import { formatBytes } from '../../ui/format.ts';
import styles from './image-sections.module.css';
import { formatShare } from './tree-grid.tsx';

/** The parts of an image that is a kernel: first those in the file with their sizes, then those in memory only. */
export function ImageSections({ sections }: { readonly sections: ImageInfo['sections'] }) {
  const sorted = [...sections].sort((a, b) => Number(b.inFile) - Number(a.inFile) || b.bytes - a.bytes);
  const inFile = sections.filter((section) => section.inFile).map((section) => section.bytes);
  const total = Math.max(
    1,
    inFile.reduce((sum, bytes) => sum + bytes, 0),
  );
  const biggest = Math.max(1, ...inFile);
  return (
    <div className={`${styles.sections} scroll`}>
      <table className={styles.table}>
        <caption className="sr-only">Sections, biggest first</caption>
        <thead>
          <tr>
            <th scope="col">Section</th>
            <th scope="col">Size</th>
            <th scope="col">
              <span className="sr-only">Share</span>
            </th>
            <th scope="col">Where</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((section) => (
            <tr key={section.name} className={section.inFile ? undefined : styles.memory}>
              <th scope="row" className="mono">
                {section.name}
              </th>
              <td className={`mono ${styles.size}`}>{formatBytes(section.bytes)}</td>
              <td className={styles.bar} aria-hidden="true">
                <span style={{ width: `${Math.min(1, section.bytes / biggest) * 100}%` }} />
              </td>
              <td className="muted">
                {section.inFile ? `in the file, ${formatShare(section.bytes / total)}` : 'only in memory'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

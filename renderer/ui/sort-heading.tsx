import { nextSort, type Sort } from './sort.ts';
import styles from './sort-heading.module.css';

export interface SortHeadingProps<Key extends string> {
  readonly name: Key;
  readonly sort: Sort<Key>;
  readonly className?: string | undefined;
  readonly onSort: (sort: Sort<Key>) => void;
}

/** The heading of a column: a click sorts the table by it, another one the other way round. */
export function SortHeading<Key extends string>({ name, sort, className, onSort }: SortHeadingProps<Key>) {
  const isSorted = sort.by === name;
  return (
    <th
      scope="col"
      className={className}
      aria-sort={!isSorted ? undefined : sort.ascending ? 'ascending' : 'descending'}
    >
      <button type="button" className={styles.sort} onClick={() => onSort(nextSort(sort, name))}>
        {name}
        {isSorted && (sort.ascending ? ' ↑' : ' ↓')}
      </button>
    </th>
  );
}

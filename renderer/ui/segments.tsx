import styles from './segments.module.css';

export interface SegmentsProps<Id extends string> {
  readonly label: string;
  readonly items: readonly { readonly id: Id; readonly label: string; readonly tip?: string }[];
  readonly active: Id;
  readonly onSelect: (id: Id) => void;
}

/** A few views of one thing, of which one is shown. */
export function Segments<Id extends string>({ label, items, active, onSelect }: SegmentsProps<Id>) {
  return (
    <div className={styles.segments} role="tablist" aria-label={label}>
      {items.map(({ id, label: words, tip }) => (
        <button
          key={id}
          type="button"
          role="tab"
          aria-selected={active === id}
          data-tip={tip}
          onClick={() => onSelect(id)}
        >
          {words}
        </button>
      ))}
    </div>
  );
}

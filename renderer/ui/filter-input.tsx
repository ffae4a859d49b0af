import fieldStyles from './field.module.css';
import styles from './filter-input.module.css';

export interface FilterInputProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A field that narrows a list; Esc empties it. */
export function FilterInput({ label, value, onChange }: FilterInputProps) {
  return (
    <input
      type="search"
      className={`${fieldStyles.input} ${styles.input}`}
      aria-label={label}
      placeholder="Filter"
      spellCheck={false}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || value === '') return;
        event.preventDefault();
        onChange('');
      }}
    />
  );
}

/** True when every word of a query is somewhere in the texts. */
export function matchesWords(query: string, texts: readonly (string | null)[]): boolean {
  const text = texts.join(' ').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

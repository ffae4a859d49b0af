import { Button } from './button.tsx';
import fieldStyles from './field.module.css';
import styles from './path-field.module.css';

/** Asks for a path with the system's own dialog. Null: the person cancelled. */
export type PickPath = () => Promise<string | null>;

/** The system's dialogs, where there are any. */
export interface Pickers {
  readonly pickDirectory?: PickPath | undefined;
  readonly pickFile?: PickPath | undefined;
}

export interface PathFieldProps {
  readonly label: string;
  readonly note: string;
  readonly wrong?: boolean;
  readonly placeholder: string;
  readonly value: string;
  readonly autoFocus?: boolean;
  readonly onChange: (path: string) => void;
  /** The dialogs for the requested kind of path. */
  readonly pickers?: Pickers;
}

/** A path, typed or chosen. */
export function PathField(props: PathFieldProps) {
  const { label, note, wrong = false, placeholder, value, autoFocus, onChange, pickers = {} } = props;
  const { pickDirectory, pickFile } = pickers;
  const browse = async (pick: PickPath) => {
    const path = await pick();
    if (typeof path === 'string') onChange(path);
  };
  return (
    <label className={fieldStyles.field}>
      <span>{label}</span>
      <span className={styles.row}>
        <input
          className={`${fieldStyles.input} mono`}
          value={value}
          aria-invalid={wrong}
          placeholder={placeholder}
          spellCheck={false}
          data-autofocus={autoFocus}
          onChange={(event) => onChange(event.target.value)}
        />
        {pickDirectory !== undefined && (
          <Button onClick={() => void browse(pickDirectory)}>{pickFile === undefined ? 'Browse' : 'Folder'}</Button>
        )}
        {pickFile !== undefined && (
          <Button onClick={() => void browse(pickFile)}>{pickDirectory === undefined ? 'Browse' : 'File'}</Button>
        )}
      </span>
      <span className={wrong ? `${fieldStyles.note} danger` : fieldStyles.note}>{note}</span>
    </label>
  );
}

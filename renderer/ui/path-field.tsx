import './dialog.css';
import { Button } from './button.tsx';

export interface PathFieldProps {
  readonly label: string;
  readonly note: string;
  readonly wrong?: boolean;
  readonly placeholder: string;
  readonly value: string;
  readonly autoFocus?: boolean;
  readonly onChange: (path: string) => void;
  /** Asks with the system's own dialog; absent where there is none. */
  readonly pick?: (() => Promise<string | null>) | undefined;
}

/** A path, typed or chosen. */
export function PathField(props: PathFieldProps) {
  const { label, note, wrong = false, placeholder, value, autoFocus, onChange, pick } = props;
  const browse = async () => {
    const path = await pick?.();
    if (typeof path === 'string') onChange(path);
  };
  return (
    <label className="field">
      <span>{label}</span>
      <span className="path-field">
        <input
          className="input mono"
          value={value}
          aria-invalid={wrong}
          placeholder={placeholder}
          spellCheck={false}
          data-autofocus={autoFocus}
          onChange={(event) => onChange(event.target.value)}
        />
        {pick !== undefined && <Button onClick={() => void browse()}>Browse</Button>}
      </span>
      <span className={wrong ? 'field-note danger' : 'field-note'}>{note}</span>
    </label>
  );
}

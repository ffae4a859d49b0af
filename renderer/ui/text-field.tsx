import field from './field.module.css';

export interface TextFieldProps {
  readonly label: string;
  readonly note: string;
  readonly placeholder: string;
  readonly value: string;
  readonly wrong?: boolean;
  readonly autoFocus?: boolean;
  readonly onChange: (text: string) => void;
}

/** A line of text with its label, and a note that turns red where the text is wrong. */
export function TextField({ label, note, placeholder, value, wrong = false, autoFocus, onChange }: TextFieldProps) {
  return (
    <label className={field.field}>
      <span>{label}</span>
      <input
        className={field.input}
        value={value}
        aria-invalid={wrong}
        placeholder={placeholder}
        spellCheck={false}
        data-autofocus={autoFocus}
        onChange={({ target }) => onChange(target.value)}
      />
      <span className={wrong ? `${field.note} danger` : field.note}>{note}</span>
    </label>
  );
}

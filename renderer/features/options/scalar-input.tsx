import { useId, useState } from 'react';
import type { Json } from '#shared/model/json.ts';
import fieldStyles from '../../ui/field.module.css';
import { type Field, readTyped, typedOf } from './fields.ts';
import optionRowStyles from './option-row.module.css';
import styles from './scalar-input.module.css';

export interface ScalarInputProps {
  readonly field: Field;
  readonly value: Json | undefined;
  /** The problem of the value in firstlight.json. */
  readonly problem: string | null;
  /** Its name for a screen reader. */
  readonly label: string;
  readonly describedBy?: string | undefined;
  /** The available values to choose from. */
  readonly suggestions?: readonly string[];
  readonly onSet: (value: Json | undefined) => void;
}

/** A switch, a choice or a line of text, as the option needs it. A value that the schema refuses is only marked. */
export function ScalarInput(props: ScalarInputProps) {
  switch (props.field.shape.kind) {
    case 'switch':
      return <Switch {...props} />;
    case 'choice':
      return <Choice {...props} values={props.field.shape.values} />;
    default:
      return <Line {...props} />;
  }
}

function Switch({ field, value, label, describedBy, onSet }: ScalarInputProps) {
  const isOn = (value ?? field.initial) === true;
  const toggle = () => onSet(!isOn === (field.initial ?? false) ? undefined : !isOn);
  return (
    <button
      type="button"
      role="switch"
      aria-checked={isOn}
      aria-label={label}
      aria-describedby={describedBy}
      className={styles.switch}
      onClick={toggle}
    >
      <span className={styles.knob} />
      <span className={styles.word}>{isOn ? 'on' : 'off'}</span>
    </button>
  );
}

function Choice({
  field,
  value,
  label,
  describedBy,
  problem,
  values,
  onSet,
}: ScalarInputProps & { readonly values: readonly string[] }) {
  const chosen = typeof value === 'string' ? value : '';
  const words = field.initial === undefined ? 'not set' : `${typedOf(field.initial)} (default)`;
  return (
    <>
      <select
        className={fieldStyles.input}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={problem !== null}
        value={chosen}
        onChange={(event) => onSet(event.target.value === '' ? undefined : event.target.value)}
      >
        {!field.required && <option value="">{words}</option>}
        {!values.includes(chosen) && chosen !== '' && <option value={chosen}>{chosen}</option>}
        {values
          .filter((entry) => entry !== field.initial || entry === chosen)
          .map((entry) => (
            <option key={entry} value={entry}>
              {entry}
            </option>
          ))}
      </select>
      {problem !== null && <Problem words={problem} />}
    </>
  );
}

function Line({ field, value, label, describedBy, problem, suggestions = [], onSet }: ScalarInputProps) {
  const listId = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const typed = draft ?? typedOf(value);
  const read = draft === null ? null : readTyped(field, draft);
  const words = read === null ? problem : read.problem;
  const type = (text: string) => {
    setDraft(text);
    const next = readTyped(field, text);
    if (next.problem === null) onSet(next.value);
  };
  return (
    <>
      <input
        className={`${fieldStyles.input} mono`}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={words !== null}
        inputMode={field.shape.kind === 'number' ? 'numeric' : undefined}
        placeholder={placeholderOf(field)}
        list={suggestions.length === 0 ? undefined : listId}
        spellCheck={false}
        value={typed}
        onChange={(event) => type(event.target.value)}
        // An input that could not be written stays visible; a written one is shown in its written form.
        onBlur={() => read?.problem === null && setDraft(null)}
      />
      {suggestions.length > 0 && (
        <datalist id={listId}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
      {words !== null && <Problem words={words} />}
    </>
  );
}

const placeholderOf = (field: Field): string =>
  field.required ? '' : field.initial === undefined || field.initial === null ? 'not set' : typedOf(field.initial);

/** The expectation, in the schema's words. */
export function Problem({ words }: { readonly words: string }) {
  return (
    <span className={`${optionRowStyles.problem} danger`} role="alert">
      {words}
    </span>
  );
}

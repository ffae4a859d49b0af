import type { JSONPath } from 'jsonc-parser';
import { type ReactNode, useState } from 'react';
import type { z } from 'zod';
import type { Json } from '#shared/model/json.ts';
import { valueAt } from '../../state/config-text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import fieldStyles from '../../ui/field.module.css';
import styles from './entries.module.css';
import { type Field, type FieldShape, problemOf } from './fields.ts';
import { useOptionsForm } from './form-context.ts';
import optionRowStyles from './option-row.module.css';
import { Problem, ScalarInput } from './scalar-input.tsx';

export interface EntriesProps {
  readonly field: Field;
  readonly shape: Extract<FieldShape, { kind: 'entries' }>;
  readonly at: JSONPath;
  readonly level: number;
  /** Draws an option of an entry with several options. */
  readonly renderOption: (field: Field, at: JSONPath) => ReactNode;
}

/** Entries of a kind: files, volumes, ports. Each can be changed and removed, and more can be added. */
export function Entries({ field, shape, at, level, renderOption }: EntriesProps) {
  const form = useOptionsForm();
  const value = valueAt(form.value, at);
  const keys = Array.isArray(value) ? value.map((_, index) => index) : keysOf(value);
  return (
    <fieldset className={styles.entries} style={{ marginLeft: level * 14 }} aria-label={field.name}>
      {keys.map((key) => (
        <Entry key={key} field={field} shape={shape} at={[...at, key]} renderOption={renderOption} />
      ))}
      {shape.key === null ? (
        <Button
          icon="plus"
          onClick={() => (Array.isArray(value) ? form.set([...at, value.length], {}) : form.set(at, [{}]))}
        >
          Add one of {field.path.join('.')}
        </Button>
      ) : (
        <AddNamed
          field={field}
          keySchema={shape.key}
          taken={keys.map(String)}
          onAdd={(name) => form.set([...at, name], shape.entry.shape.kind === 'group' ? {} : '')}
        />
      )}
    </fieldset>
  );
}

const keysOf = (value: Json | undefined): readonly string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];

function Entry({ field, shape, at, renderOption }: Omit<EntriesProps, 'level'>) {
  const form = useOptionsForm();
  const key = at.at(-1);
  const name = typeof key === 'number' ? `${field.name} ${key + 1}` : String(key);
  const { entry } = shape;
  const problem = form.problems.get(at.join('.')) ?? null;
  return (
    <div className={styles.entry}>
      <div className={styles.head}>
        <span className={`mono ellipsis ${styles.name}`}>{name}</span>
        {entry.shape.kind !== 'group' && (
          <span className={`${optionRowStyles.value} ${styles.value}`}>
            <ScalarInput
              field={entry}
              value={valueAt(form.value, at)}
              problem={problem}
              label={`${field.name} ${name}`}
              onSet={(next) => form.set(at, next ?? '')}
            />
          </span>
        )}
        <IconButton icon="trash" label={`Take out ${name}`} onClick={() => form.set(at, undefined)} />
      </div>
      {entry.shape.kind === 'group' && entry.shape.fields.map((inner) => renderOption(inner, [...at, inner.name]))}
    </div>
  );
}

interface AddNamedProps {
  readonly field: Field;
  readonly keySchema: z.ZodType;
  readonly taken: readonly string[];
  readonly onAdd: (name: string) => void;
}

function AddNamed({ field, keySchema, taken, onAdd }: AddNamedProps) {
  const [name, setName] = useState('');
  const wrong = name === '' ? null : taken.includes(name) ? 'It is there already' : problemOf(keySchema, name);
  const add = () => {
    if (name === '' || wrong !== null) return;
    onAdd(name);
    setName('');
  };
  return (
    <div className={styles.add}>
      <input
        className={`${fieldStyles.input} mono`}
        aria-label={`Name of a further entry of ${field.path.join('.')}`}
        aria-invalid={wrong !== null}
        placeholder={newNames[field.name] ?? 'name'}
        spellCheck={false}
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          add();
        }}
      />
      <Button icon="plus" disabled={name === '' || wrong !== null} onClick={add}>
        Add
      </Button>
      {wrong !== null && <Problem words={wrong} />}
    </div>
  );
}

/** An example of a name, where that helps. */
const newNames: Readonly<Record<string, string>> = {
  env: 'LOG_LEVEL',
  files: '/etc/app.conf',
  volumes: 'data',
};

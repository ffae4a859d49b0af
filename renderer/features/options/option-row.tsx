import type { JSONPath } from 'jsonc-parser';
import { type ReactNode, useId } from 'react';
import { valueAt } from '../../state/config-text.ts';
import { IconButton } from '../../ui/button.tsx';
import fieldStyles from '../../ui/field.module.css';
import { DocText } from './doc-text.tsx';
import { Entries } from './entries.tsx';
import { type Field, typedOf } from './fields.ts';
import { useOptionsForm } from './form-context.ts';
import styles from './option-row.module.css';
import { Problem, ScalarInput } from './scalar-input.tsx';
import { matches } from './sections.ts';
import { TokenList } from './token-list.tsx';

export interface OptionRowProps {
  readonly field: Field;
  /** Its place in firstlight.json. */
  readonly at: JSONPath;
  readonly level?: number;
}

/** An option: its name, its value, its description, and the reset to its default. */
export function OptionRow({ field, at, level = 0 }: OptionRowProps) {
  const form = useOptionsForm();
  const id = useId();
  const value = valueAt(form.value, at);
  const problem = form.problems.get(at.join('.')) ?? null;
  const { shape } = field;
  const set = (next: typeof value) => form.set(at, next);
  const parts = { field, at, level, isSet: value !== undefined };
  const common = { value, problem, label: field.name, describedBy: id };
  const inner = (fields: readonly Field[]) =>
    fields
      .filter((entry) => matches(field, form.query) || matches(entry, form.query))
      .map((entry) => <OptionRow key={entry.name} field={entry} at={[...at, entry.name]} level={level + 1} />);

  switch (shape.kind) {
    case 'group':
      return (
        <>
          <Line {...parts} docId={id} problem={problem} />
          {inner(shape.fields)}
        </>
      );
    case 'variants': {
      const current = valueAt(form.value, [...at, shape.by]) ?? valueAt(field.initial ?? null, [shape.by]);
      const chosen = shape.variants.find((variant) => variant.value === current);
      const initial = typedOf(valueAt(field.initial ?? null, [shape.by]));
      return (
        <>
          <Line {...parts} docId={id}>
            <select
              className={fieldStyles.input}
              aria-label={field.name}
              aria-describedby={id}
              value={chosen?.value ?? ''}
              onChange={(event) => set(event.target.value === initial ? undefined : { [shape.by]: event.target.value })}
            >
              {chosen === undefined && <option value="">{typedOf(current)}</option>}
              {shape.variants.map((variant) => (
                <option key={variant.value} value={variant.value}>
                  {variant.value === initial ? `${variant.value} (default)` : variant.value}
                </option>
              ))}
            </select>
            {chosen === undefined && problem !== null && <Problem words={problem} />}
          </Line>
          {inner(chosen?.fields ?? [])}
        </>
      );
    }
    case 'entries':
      return (
        <>
          <Line {...parts} docId={id} problem={problem} />
          <Entries
            field={field}
            shape={shape}
            at={at}
            level={level}
            renderOption={(option, place) => <OptionRow key={option.name} field={option} at={place} level={1} />}
          />
        </>
      );
    case 'list':
      return (
        <Line {...parts} docId={id}>
          <TokenList
            {...common}
            // Lists of one name stand in several sections.
            label={at.join('.')}
            problem={problem ?? itemProblem(form.problems, at)}
            item={shape.item}
            suggestions={form.suggest(at.join('.'))}
            onAdd={(item) => (Array.isArray(value) ? form.set([...at, value.length], item) : set([item]))}
            onRemove={(index) => form.set([...at, index], undefined)}
          />
        </Line>
      );
    default:
      return (
        <Line {...parts} docId={id}>
          <ScalarInput {...common} field={field} suggestions={form.suggest(at.join('.'))} onSet={set} />
        </Line>
      );
  }
}

/** The problem of an entry of a list. */
function itemProblem(problems: ReadonlyMap<string, string>, at: JSONPath): string | null {
  const start = `${at.join('.')}.`;
  for (const [place, words] of problems) if (place.startsWith(start)) return words;
  return null;
}

interface LineProps {
  readonly field: Field;
  readonly at: JSONPath;
  readonly level: number;
  readonly isSet: boolean;
  readonly docId: string;
  readonly problem?: string | null;
  readonly children?: ReactNode;
}

function Line({ field, at, level, isSet, docId, problem = null, children }: LineProps) {
  const form = useOptionsForm();
  const initial = field.initial === undefined || typeof field.initial === 'object' ? null : typedOf(field.initial);
  const back = initial === null ? 'take it out, the default holds then' : `back to the default, ${initial}`;
  return (
    <div className={isSet ? `${styles.option} ${styles.set}` : styles.option} data-option={at.join('.')}>
      <span className={`${styles.name} mono`} style={{ paddingLeft: level * 14 }}>
        <span data-tip={at.join('.')}>{field.name}</span>
        {field.required && <span className="faint">, needed</span>}
      </span>
      <span className={styles.value}>
        {children}
        {problem !== null && <Problem words={problem} />}
      </span>
      <span className={`${styles.doc} muted selectable`} id={docId}>
        <DocText text={field.doc} />
      </span>
      <span className={styles.reset}>
        {isSet && !field.required && (
          <IconButton icon="undo" label={`${field.name}: ${back}`} onClick={() => form.set(at, undefined)} />
        )}
      </span>
    </div>
  );
}

import { useState } from 'react';
import type { z } from 'zod';
import type { Json } from '#shared/model/json.ts';
import { Icon } from '../../ui/icon.tsx';
import { problemOf, typedOf } from './fields.ts';
import { Problem } from './scalar-input.tsx';
import styles from './token-list.module.css';

export interface TokenListProps {
  readonly item: z.ZodType;
  readonly value: Json | undefined;
  readonly problem: string | null;
  readonly label: string;
  readonly describedBy?: string | undefined;
  readonly suggestions: readonly string[];
  readonly onAdd: (item: string) => void;
  readonly onRemove: (index: number) => void;
}

/** A list of texts: Enter adds the typed text, Backspace in the empty field removes the last one. */
export function TokenList(props: TokenListProps) {
  const { item, value, problem, label, describedBy, suggestions, onAdd, onRemove } = props;
  const [typed, setTyped] = useState('');
  const tokens = Array.isArray(value) ? (value as readonly Json[]).map(typedOf) : [];
  const wrong = typed === '' ? null : problemOf(item, typed);
  const add = () => {
    if (typed === '' || wrong !== null) return;
    onAdd(typed);
    setTyped('');
  };
  const offered = suggestions.filter((name) => !tokens.includes(name));
  return (
    <>
      <span className={styles.tokens}>
        {tokens.map((token, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an argument may be there twice; its place tells them apart
          <span key={`${index} ${token}`} className={styles.token}>
            <span className="mono ellipsis">{token}</span>
            <button type="button" aria-label={`Remove ${token}`} onClick={() => onRemove(index)}>
              <Icon name="close" size={10} />
            </button>
          </span>
        ))}
        <input
          className={`${styles.input} mono`}
          aria-label={`Add to ${label}`}
          aria-describedby={describedBy}
          aria-invalid={wrong !== null}
          placeholder={tokens.length === 0 ? 'none; type and press Enter' : 'add'}
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={add}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              event.preventDefault();
              add();
            } else if (event.key === 'Backspace' && typed === '' && tokens.length > 0) onRemove(tokens.length - 1);
          }}
        />
      </span>
      {offered.length > 0 && (
        <span className={styles.offers}>
          {offered.map((name) => (
            <button key={name} type="button" className={`${styles.offer} mono`} onClick={() => onAdd(name)}>
              + {name}
            </button>
          ))}
        </span>
      )}
      {(wrong ?? problem) !== null && <Problem words={wrong ?? problem ?? ''} />}
    </>
  );
}

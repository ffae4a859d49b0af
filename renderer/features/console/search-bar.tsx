import { useEffect, useRef, useState } from 'react';
import type { Tokens } from '../../ui/instrument-theme.ts';
import styles from './console.module.css';
import { countedMatches, type GuardedTerminal, matchDecorations } from './make-terminal.ts';

/** Finds text in the scrollback; Enter goes to the next match, Shift+Enter to the previous, Esc closes. */
export function SearchBar(props: {
  readonly guarded: GuardedTerminal;
  readonly tokens: Tokens;
  readonly onClose: () => void;
}) {
  const { guarded, tokens, onClose } = props;
  const { search, terminal } = guarded;
  const [text, setText] = useState('');
  const [caseSensitive, setCaseSensitive] = useState(false);
  const [regex, setRegex] = useState(false);
  const [found, setFound] = useState({ index: -1, count: 0 });
  const input = useRef<HTMLInputElement>(null);
  const valid = !regex || isRegex(text);

  useEffect(() => {
    input.current?.focus();
    const listener = search.onDidChangeResults(({ resultIndex, resultCount }) =>
      setFound({ index: resultIndex, count: resultCount }),
    );
    return () => {
      listener.dispose();
      search.clearDecorations();
    };
  }, [search]);

  const options = { caseSensitive, regex, decorations: matchDecorations(tokens) };
  const find = (step: 1 | -1, incremental: boolean, wanted = text, using = options) => {
    if (wanted === '' || (using.regex && !isRegex(wanted))) {
      search.clearDecorations();
      setFound({ index: -1, count: 0 });
    } else if (step === 1) search.findNext(wanted, { ...using, incremental });
    else search.findPrevious(wanted, using);
  };
  const close = () => {
    onClose();
    terminal.focus();
  };

  return (
    <search className={styles.search}>
      <input
        ref={input}
        type="text"
        value={text}
        placeholder="Find in console"
        aria-label="Find in console"
        aria-invalid={!valid}
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value);
          find(1, true, event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') find(event.shiftKey ? -1 : 1, false);
          else if (event.key === 'Escape') close();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <output aria-live="polite">{valid ? countText(text, found) : 'not a regular expression'}</output>
      <button
        type="button"
        aria-pressed={caseSensitive}
        title="Match case"
        onClick={() => {
          setCaseSensitive(!caseSensitive);
          find(1, true, text, { ...options, caseSensitive: !caseSensitive });
        }}
      >
        Aa
      </button>
      <button
        type="button"
        aria-pressed={regex}
        title="Regular expression"
        onClick={() => {
          setRegex(!regex);
          find(1, true, text, { ...options, regex: !regex });
        }}
      >
        .*
      </button>
      <button
        type="button"
        title="Previous match (Shift+Enter)"
        aria-label="Previous match"
        onClick={() => find(-1, false)}
      >
        ↑
      </button>
      <button type="button" title="Next match (Enter)" aria-label="Next match" onClick={() => find(1, false)}>
        ↓
      </button>
      <button type="button" title="Close (Esc)" aria-label="Close search" onClick={close}>
        ×
      </button>
    </search>
  );
}

function countText(text: string, { index, count }: { readonly index: number; readonly count: number }): string {
  if (text === '') return '';
  if (count === 0) return 'no matches';
  if (count >= countedMatches) return `${countedMatches.toLocaleString('en-US')} or more`;
  return index < 0 ? `${count} matches` : `${index + 1} of ${count}`;
}

function isRegex(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}

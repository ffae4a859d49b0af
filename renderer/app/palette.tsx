import { useMemo, useRef, useState } from 'react';
import type { Command } from '../bind/command.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import styles from './palette.module.css';
import { rankCommands } from './rank.ts';

/** All commands, filtered as a person types. */
export function Palette({
  commands,
  onClose,
}: {
  readonly commands: readonly Command[];
  readonly onClose: () => void;
}) {
  const [query, setQuery] = useState('');
  const [index, setIndex] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const matches = useMemo(() => rankCommands(commands, query), [commands, query]);
  const chosen = matches[Math.min(index, matches.length - 1)];
  const run = (command: Command | undefined) => {
    if (command === undefined || command.disabled) return;
    onClose();
    // It runs after the dialog has returned the focus, so that a command can move it.
    setTimeout(command.run);
  };
  const move = (to: number) => {
    const next = (to + matches.length) % Math.max(1, matches.length);
    setIndex(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <Dialog title="Commands" bare className={styles.palette} onClose={onClose}>
      <input
        className={styles.input}
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen === undefined ? undefined : `palette-${chosen.id}`}
        placeholder="Type a command or a file"
        autoComplete="off"
        spellCheck={false}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setIndex(0);
        }}
        onKeyDown={(event) => {
          const act = new Map<string, () => void>([
            ['ArrowDown', () => move(index + 1)],
            ['ArrowUp', () => move(index - 1)],
            ['Enter', () => run(chosen)],
          ]).get(event.key);
          if (act === undefined) return;
          event.preventDefault();
          act();
        }}
      />
      <div ref={list} id="palette-list" className={`${styles.list} scroll`} role="listbox" aria-label="Commands">
        {matches.map((command) => (
          <div
            key={command.id}
            id={`palette-${command.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={command === chosen}
            aria-disabled={command.disabled}
            className={styles.item}
            onPointerMove={() => setIndex(matches.indexOf(command))}
            onClick={() => run(command)}
            onKeyDown={(event) => event.key === 'Enter' && run(command)}
          >
            <span className={styles.icon}>{command.icon !== undefined && <Icon name={command.icon} size={14} />}</span>
            <span className={`ellipsis ${styles.title}`}>{command.title}</span>
            <span className={`faint ${styles.group}`}>{command.group}</span>
            {command.shortcut !== undefined && <kbd>{command.shortcut}</kbd>}
          </div>
        ))}
      </div>
      {matches.length === 0 && <p className={`${styles.none} muted`}>Nothing has these letters.</p>}
    </Dialog>
  );
}

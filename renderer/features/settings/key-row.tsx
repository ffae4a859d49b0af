import { useState } from 'react';
import type { Command } from '../../bind/command.ts';
import { useSaved, useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { shortcutOf } from '../../ui/shortcut.ts';
import styles from './settings.module.css';

const modifiers = ['Control', 'Shift', 'Alt', 'Meta'];

/** A command's key: pressing another one sets it, unless another command has that key. */
export function KeyRow({ command, all }: { readonly command: Command; readonly all: readonly Command[] }) {
  const studio = useStudio();
  const keys = useSaved((state) => state.preferences.keys);
  const [listening, setListening] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const keyOf = ({ id, usualShortcut, shortcut }: Command) => keys[id] ?? usualShortcut ?? shortcut ?? '';
  const key = keyOf(command);
  const isChanged = keys[command.id] !== undefined;
  const take = (pressed: string) => {
    const other = all.find((entry) => entry.id !== command.id && keyOf(entry) === pressed);
    if (other !== undefined) return setWrong(`${pressed} is the key of “${other.title}”.`);
    if (!/^(Ctrl|Alt)\+|^F\d+$/.test(pressed)) return setWrong('A key needs Ctrl or Alt, or is one of F1 to F12.');
    setListening(false);
    setWrong(null);
    studio.settings.setKey(command.id, pressed);
  };
  return (
    <tr>
      <th scope="row">{command.title}</th>
      <td>
        <button
          type="button"
          className={styles.key}
          aria-label={`Key of ${command.title}: ${listening ? 'press one' : key || 'none'}`}
          aria-pressed={listening}
          data-takes-keys={listening || undefined}
          onClick={() => setListening(!listening)}
          onBlur={() => {
            setListening(false);
            setWrong(null);
          }}
          onKeyDown={(event) => {
            if (!listening || modifiers.includes(event.key) || event.key === 'Tab') return;
            event.preventDefault();
            event.stopPropagation();
            if (event.key === 'Escape') setListening(false);
            else take(shortcutOf(event.nativeEvent));
          }}
        >
          {listening ? 'press the keys' : key === '' ? <span className="muted">none</span> : <kbd>{key}</kbd>}
        </button>
        {wrong !== null && (
          <span className="danger" role="alert">
            {wrong}
          </span>
        )}
      </td>
      <td>
        {key !== '' && (
          <IconButton
            icon="close"
            size={12}
            label={`No key for ${command.title}`}
            onClick={() => studio.settings.setKey(command.id, '')}
          />
        )}
        {isChanged && (
          <Button kind="quiet" onClick={() => studio.settings.setKey(command.id, null)}>
            Usual key
          </Button>
        )}
      </td>
    </tr>
  );
}

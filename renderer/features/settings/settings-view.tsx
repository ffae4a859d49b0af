import { type ReactNode, useState } from 'react';
import type { Command } from '../../bind/command.ts';
import { useSaved, useSession, useStudio } from '../../bind/studio.tsx';
import { fontSizes } from '../../state/saved.ts';
import { Button } from '../../ui/button.tsx';
import fieldStyles from '../../ui/field.module.css';
import { FilterInput, matchesWords } from '../../ui/filter-input.tsx';
import { Page } from '../../ui/page.tsx';
import { KeyRow } from './key-row.tsx';
import { Registries } from './registries.tsx';
import styles from './settings.module.css';

/** The settings of the window: one searchable page, with the path of their file. */
export function SettingsView({ commands }: { readonly commands: () => readonly Command[] }) {
  const studio = useStudio();
  const preferences = useSaved((state) => state.preferences);
  const theme = useSaved((state) => state.theme);
  const file = useSession((state) => state.info?.settingsPath ?? null);
  const [query, setQuery] = useState('');
  const [list] = useState(commands);
  const { set } = studio.settings;
  const fits = (words: string) => matchesWords(query, [words]);
  const keyed = list.filter(({ shortcut, id }) => shortcut !== undefined || preferences.keys[id] !== undefined);
  const keys = keyed.filter(({ title, shortcut }) => fits(`keys ${title} ${shortcut ?? ''}`));
  const rows = [
    <Setting key="theme" name="Theme" note="The system’s, or always one of the two." hidden={!fits('theme dark light')}>
      <select
        className={fieldStyles.input}
        aria-label="Theme"
        value={theme}
        onChange={({ target }) => studio.saved.setState({ theme: target.value as typeof theme })}
      >
        <option value="system">system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </Setting>,
    <Setting
      key="window"
      name="Text size of the window"
      note="Lists, bars and panels."
      hidden={!fits('text font size window')}
    >
      <SizeInput
        label="Text size of the window"
        value={preferences.windowFontSize}
        limits={fontSizes.window}
        onSet={(windowFontSize) => set({ windowFontSize })}
      />
    </Setting>,
    <Setting
      key="font"
      name="Font of the editor"
      note="A name, or several with commas. Empty: the default."
      hidden={!fits('font family editor')}
    >
      <input
        className={`${fieldStyles.input} mono`}
        aria-label="Font of the editor"
        placeholder="JetBrains Mono"
        spellCheck={false}
        value={preferences.editorFont}
        onChange={({ target }) => set({ editorFont: target.value })}
      />
    </Setting>,
    <Setting
      key="size"
      name="Text size of the editor"
      note="Also of the console."
      hidden={!fits('text font size editor console')}
    >
      <SizeInput
        label="Text size of the editor"
        value={preferences.editorFontSize}
        limits={fontSizes.editor}
        onSet={(editorFontSize) => set({ editorFontSize })}
      />
    </Setting>,
    <Check
      key="wrap"
      name="Wrap long lines"
      note="In the editor, at its width."
      hidden={!fits('wrap long lines editor')}
      checked={preferences.wordWrap}
      onSet={(wordWrap) => set({ wordWrap })}
    />,
    <Check
      key="format"
      name="Format on save"
      note="Saving formats the file that is being edited first."
      hidden={!fits('format on save editor')}
      checked={preferences.formatOnSave}
      onSet={(formatOnSave) => set({ formatOnSave })}
    />,
  ];
  return (
    <Page
      title="Settings"
      note={file !== null && <span className="mono selectable">{file}</span>}
      actions={<Button onClick={studio.settings.reset}>Reset all to defaults</Button>}
      closeLabel="Close the settings"
      onClose={() => studio.transient.setState({ center: 'editor' })}
    >
      <div className={styles.page}>
        <FilterInput label="Search the settings" value={query} onChange={setQuery} />
        {rows}
        {fits('registries registry token service login password gitlab private images') && <Registries />}
        {keys.length > 0 && (
          <section aria-label="Keys">
            <h2 className={styles.title}>Keys</h2>
            <table className={styles.keys}>
              <tbody>
                {keys.map((command) => (
                  <KeyRow key={command.id} command={command} all={keyed} />
                ))}
              </tbody>
            </table>
          </section>
        )}
      </div>
    </Page>
  );
}

interface SettingProps {
  readonly name: string;
  readonly note: string;
  readonly hidden: boolean;
  readonly children: ReactNode;
}

function Setting({ name, note, hidden, children }: SettingProps) {
  if (hidden) return null;
  return (
    <div className={styles.setting}>
      <div>
        <div>{name}</div>
        <div className="muted">{note}</div>
      </div>
      <div className={styles.control}>{children}</div>
    </div>
  );
}

interface CheckProps extends Omit<SettingProps, 'children'> {
  readonly checked: boolean;
  readonly onSet: (checked: boolean) => void;
}

function Check({ checked, onSet, ...setting }: CheckProps) {
  return (
    <Setting {...setting}>
      <input
        type="checkbox"
        aria-label={setting.name}
        checked={checked}
        onChange={({ target }) => onSet(target.checked)}
      />
    </Setting>
  );
}

interface SizeInputProps {
  readonly label: string;
  readonly value: number;
  readonly limits: { readonly min: number; readonly max: number };
  readonly onSet: (size: number) => void;
}

/** A size in pixels; a value outside of the limits is marked, and not applied. */
function SizeInput({ label, value, limits, onSet }: SizeInputProps) {
  const [text, setText] = useState<string | null>(null);
  const wrong = text !== null && !isWithin(Number(text), limits);
  return (
    <>
      <input
        type="number"
        className={fieldStyles.input}
        aria-label={label}
        aria-invalid={wrong}
        min={limits.min}
        max={limits.max}
        value={text ?? value}
        onChange={({ target }) => {
          setText(target.value);
          if (isWithin(Number(target.value), limits)) onSet(Number(target.value));
        }}
        onBlur={() => setText(null)}
      />
      {wrong && (
        <span className={`${fieldStyles.note} danger`} role="alert">
          {limits.min} to {limits.max} px
        </span>
      )}
    </>
  );
}

const isWithin = (size: number, { min, max }: SizeInputProps['limits']) =>
  Number.isInteger(size) && size >= min && size <= max;

import type { Command } from '../bind/command.ts';
import { useSaved, useStudio, useTheme } from '../bind/studio.tsx';
import { areas } from '../state/saved.ts';
import { Icon } from '../ui/icon.tsx';
import styles from './activity-bar.module.css';
import { areaTitles } from './view-commands.ts';

/** The areas of the side list, and at its foot the theme. */
export function ActivityBar({ commands }: { readonly commands: () => readonly Command[] }) {
  const studio = useStudio();
  const area = useSaved((state) => state.area);
  const theme = useTheme();
  const next = theme === 'dark' ? 'light' : 'dark';
  return (
    <nav className={styles.bar} aria-label="Areas" data-region="areas">
      {areas.map((name, index) => (
        <button
          key={name}
          type="button"
          className={name === area ? `${styles.area} ${styles.active}` : styles.area}
          aria-label={areaTitles[name]}
          aria-current={name === area ? 'page' : undefined}
          data-tip={areaTitles[name]}
          data-shortcut={`Ctrl+${index + 1}`}
          onClick={() =>
            commands()
              .find((command) => command.id === `area-${name}`)
              ?.run()
          }
        >
          <Icon name={name === 'functions' ? 'function' : name} size={18} />
        </button>
      ))}
      <span className={styles.space} />
      <button
        type="button"
        className={styles.area}
        aria-label={`Use the ${next} theme`}
        data-tip={`Use the ${next} theme`}
        onClick={() => studio.saved.setState({ theme: next })}
      >
        <Icon name={theme === 'dark' ? 'sun' : 'moon'} size={16} />
      </button>
    </nav>
  );
}

import type { ReactNode } from 'react';
import { IconButton } from './button.tsx';
import styles from './page.module.css';

export interface PageProps {
  readonly title: ReactNode;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly closeLabel: string;
  /** True when the children have their own scrolling and margins. */
  readonly bare?: boolean;
  readonly children: ReactNode;
  readonly onClose: () => void;
}

/** A view that covers the panels: its title, its actions, and the way back. */
export function Page({ title, note, actions, closeLabel, bare = false, children, onClose }: PageProps) {
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <div className={styles.title}>
          <h1>{title}</h1>
          {note !== undefined && <p className="muted">{note}</p>}
        </div>
        {actions}
        <IconButton icon="close" label={closeLabel} shortcut="Esc" onClick={onClose} />
      </header>
      {bare ? children : <div className={`${styles.body} scroll`}>{children}</div>}
    </div>
  );
}

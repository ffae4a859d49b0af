import type { ReactNode } from 'react';
import styles from './section.module.css';

export interface SectionProps {
  readonly title: string;
  readonly actions?: ReactNode;
  /** True to take the remaining room. */
  readonly grow?: boolean;
  readonly children: ReactNode;
}

/** A titled part of a panel. */
export function Section({ title, actions, grow = false, children }: SectionProps) {
  return (
    <section className={grow ? `${styles.section} ${styles.grow}` : styles.section} aria-label={title}>
      <header className={styles.head}>
        <h2>{title}</h2>
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </header>
      <div className={`${styles.body} scroll`}>{children}</div>
    </section>
  );
}

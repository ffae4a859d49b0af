import type { ReactNode } from 'react';
import './section.css';

export interface SectionProps {
  readonly title: string;
  readonly actions?: ReactNode;
  /** Takes the room that others leave. */
  readonly grow?: boolean;
  readonly children: ReactNode;
}

/** A titled part of a panel. */
export function Section({ title, actions, grow = false, children }: SectionProps) {
  return (
    <section className={grow ? 'section section-grow' : 'section'} aria-label={title}>
      <header className="section-head">
        <h2>{title}</h2>
        {actions !== undefined && <div className="section-actions">{actions}</div>}
      </header>
      <div className="section-body scroll">{children}</div>
    </section>
  );
}

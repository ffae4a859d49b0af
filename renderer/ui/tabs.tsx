import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { joinClasses } from './join-classes.ts';
import styles from './tabs.module.css';

export interface TabItem {
  readonly id: string;
  /** Its name for a screen reader, when `label` is not only text. */
  readonly name?: string;
  readonly label: ReactNode;
  readonly tip?: string;
  /** Content after the label: a close button, a count. */
  readonly trailing?: ReactNode;
  readonly onClose?: () => void;
}

export interface TabListProps {
  readonly label: string;
  readonly items: readonly TabItem[];
  readonly active: string | null;
  readonly panelId?: string;
  readonly onSelect: (id: string) => void;
}

/** A row of tabs: one is in the tab order, arrows move between them, Delete closes one that can be closed. */
export function TabList({ label, items, active, panelId, onSelect }: TabListProps) {
  const move = (event: KeyboardEvent<HTMLElement>, index: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const target = step !== undefined ? items[(index + step + items.length) % items.length] : undefined;
    if (target !== undefined) {
      event.preventDefault();
      onSelect(target.id);
      const tabs = event.currentTarget.closest('[role="tablist"]')?.querySelectorAll<HTMLElement>('[role="tab"]');
      tabs?.[items.indexOf(target)]?.focus();
    } else if (event.key === 'Delete') items[index]?.onClose?.();
  };
  const list = useRef<HTMLDivElement>(null);
  const ids = items.map((item) => item.id).join('\n');
  // The active tab is always in sight, with its close button, also when others are opened, closed or the row gets narrower.
  useEffect(() => {
    const element = list.current;
    if (element === null || active === null || ids === '') return;
    const show = () =>
      element
        .querySelector('[aria-selected="true"]')
        ?.parentElement?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    show();
    const observer = new ResizeObserver(show);
    observer.observe(element);
    return () => observer.disconnect();
  }, [active, ids]);
  return (
    <div ref={list} className={`${styles.tabs} scroll`} role="tablist" aria-label={label}>
      {items.map((item, index) => (
        <div
          key={item.id}
          role="presentation"
          className={joinClasses(
            styles.tab,
            item.id === active && styles.active,
            item.onClose !== undefined && styles.closable,
          )}
        >
          <button
            type="button"
            role="tab"
            aria-selected={item.id === active}
            aria-label={item.name}
            aria-controls={panelId}
            tabIndex={item.id === active || (active === null && index === 0) ? 0 : -1}
            data-tip={item.tip}
            onClick={() => onSelect(item.id)}
            onAuxClick={(event) => event.button === 1 && item.onClose?.()}
            onKeyDown={(event) => move(event, index)}
          >
            {item.label}
          </button>
          {item.trailing}
        </div>
      ))}
    </div>
  );
}

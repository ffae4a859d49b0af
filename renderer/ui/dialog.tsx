import { type ReactNode, useEffect, useRef } from 'react';
import { IconButton } from './button.tsx';
import styles from './dialog.module.css';
import { joinClasses } from './join-classes.ts';

export interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Buttons at the end, the main one last. */
  readonly actions?: ReactNode;
  readonly className?: string;
  readonly bare?: boolean;
  readonly onClose: () => void;
}

/** A modal dialog: the browser keeps the focus inside, Esc closes, and the focus returns to its earlier place. */
export function Dialog({ title, children, actions, className, bare = false, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    element?.showModal();
    (
      element?.querySelector<HTMLElement>('[data-autofocus="true"]') ?? element?.querySelector<HTMLElement>('input')
    )?.focus();
    return () => {
      element?.close();
      before?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={joinClasses(styles.dialog, className)}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      {bare ? (
        children
      ) : (
        <div className={styles.frame}>
          <header className={styles.head}>
            <h2>{title}</h2>
            <IconButton icon="close" label="Close" shortcut="Esc" onClick={onClose} />
          </header>
          <div className={`${styles.body} scroll`}>{children}</div>
          {actions !== undefined && <footer className={styles.actions}>{actions}</footer>}
        </div>
      )}
    </dialog>
  );
}

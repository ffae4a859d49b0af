import { type ReactNode, useEffect, useRef } from 'react';
import './dialog.css';
import { IconButton } from './button.tsx';

export interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Buttons at the end, the one that acts last. */
  readonly actions?: ReactNode;
  readonly className?: string;
  readonly bare?: boolean;
  readonly onClose: () => void;
}

/** A modal dialog: the browser keeps the focus inside, Esc closes, and the focus returns where it was. */
export function Dialog({ title, children, actions, className = '', bare = false, onClose }: DialogProps) {
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
      className={`dialog ${className}`}
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
        <div className="dialog-frame">
          <header className="dialog-head">
            <h2>{title}</h2>
            <IconButton icon="close" label="Close" shortcut="Esc" onClick={onClose} />
          </header>
          <div className="dialog-body scroll">{children}</div>
          {actions !== undefined && <footer className="dialog-actions">{actions}</footer>}
        </div>
      )}
    </dialog>
  );
}

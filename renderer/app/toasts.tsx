import { useEffect } from 'react';
import { useStudio, useTransient } from '../bind/studio.tsx';
import type { Toast } from '../state/transient.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import styles from './toasts.module.css';

/** Long enough to read two sentences; an error stays until it is closed. */
const shownMs = 6_000;

/** Short notices in the corner. */
export function Toasts() {
  const toasts = useTransient((state) => state.toasts);
  return (
    <div className={styles.toasts} role="log" aria-label="Messages">
      {toasts.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function ToastCard({ toast }: { readonly toast: Toast }) {
  const { transient } = useStudio();
  useEffect(() => {
    if (toast.error !== null) return;
    const timer = setTimeout(() => dismiss(toast.id), shownMs);
    return () => clearTimeout(timer);
  });
  const dismiss = (id: number) =>
    transient.setState((state) => ({ toasts: state.toasts.filter((entry) => entry.id !== id) }));
  return (
    <div className={styles.toast} role={toast.error === null ? 'status' : 'alert'}>
      <span className={toast.error === null ? 'muted' : 'danger'}>
        <Icon name={toast.error === null ? 'info' : 'error'} size={14} />
      </span>
      <div className="selectable">
        <p>{toast.message}</p>
        {toast.error?.hint !== undefined && <p className="muted">{toast.error.hint}</p>}
      </div>
      {toast.action !== null && <Button onClick={toast.action.run}>{toast.action.label}</Button>}
      <IconButton icon="close" size={12} label="Dismiss" onClick={() => dismiss(toast.id)} />
    </div>
  );
}

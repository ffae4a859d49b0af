import type { ReactNode } from 'react';
import type { FirstlightError } from '#shared/errors.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';
import progressBarStyles from './progress-bar.module.css';
import styles from './states.module.css';

export interface EmptyStateProps {
  readonly icon?: IconName;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** An empty panel: a description of its content, and how to get it. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div className={styles.state}>
      {icon !== undefined && <Icon name={icon} size={20} />}
      <p className={styles.title}>{title}</p>
      {children !== undefined && <p>{children}</p>}
      {action !== undefined && <div className={styles.actions}>{action}</div>}
    </div>
  );
}

export interface ErrorStateProps {
  readonly error: FirstlightError;
  readonly actions?: ReactNode;
  readonly compact?: boolean;
  /** Content right under the message. */
  readonly children?: ReactNode;
}

/** An error with its cause and its remedy. */
export function ErrorState({ error, actions, compact = false, children }: ErrorStateProps) {
  return (
    <div className={compact ? `${styles.error} ${styles.compact}` : styles.error} role="alert">
      <Icon name="error" size={14} />
      <div className="selectable">
        <p className={styles.message}>{error.message}</p>
        {children}
        {error.hint !== undefined && <p className={styles.hint}>{error.hint}</p>}
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
        {error.details.output !== undefined && <pre className={`${styles.output} mono`}>{error.details.output}</pre>}
        <p className={`${styles.code} mono`}>{error.code}</p>
      </div>
    </div>
  );
}

export interface LoadingStateProps {
  readonly message: string;
  /** Units: 0 to 1; null when unknown. */
  readonly fraction?: number | null;
  readonly onCancel?: (() => void) | undefined;
  readonly cancelling?: boolean;
}

/** Work in progress: its step and its progress. */
export function LoadingState({ message, fraction = null, onCancel, cancelling = false }: LoadingStateProps) {
  return (
    <div className={styles.state} role="status">
      <p>{cancelling ? 'Cancelling' : message}</p>
      <ProgressBar fraction={fraction} label={message} />
      {onCancel !== undefined && (
        <Button kind="quiet" onClick={onCancel} disabled={cancelling}>
          Cancel
        </Button>
      )}
    </div>
  );
}

/** A thin bar; it moves to and fro while the share is unknown. */
export function ProgressBar({ fraction, label }: { readonly fraction: number | null; readonly label: string }) {
  return (
    <div
      className={fraction === null ? `${progressBarStyles.bar} ${progressBarStyles.unknown}` : progressBarStyles.bar}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={fraction === null ? undefined : Math.round(fraction * 100)}
    >
      <div style={fraction === null ? undefined : { width: `${fraction * 100}%` }} />
    </div>
  );
}

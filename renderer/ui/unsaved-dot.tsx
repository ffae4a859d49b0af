import styles from './unsaved-dot.module.css';
/** Marks unsaved changes. `label` is for a place without a text for that. */
export function UnsavedDot({ label }: { readonly label?: string }) {
  return label === undefined ? (
    <span className={styles.dot} aria-hidden="true" />
  ) : (
    <span className={styles.dot} role="img" aria-label={label} />
  );
}

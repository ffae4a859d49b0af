import styles from './unsaved-dot.module.css';
/** Marks what was changed since it was last saved. `label` is for a place where no words say so. */
export function UnsavedDot({ label }: { readonly label?: string }) {
  return label === undefined ? (
    <span className={styles.dot} aria-hidden="true" />
  ) : (
    <span className={styles.dot} role="img" aria-label={label} />
  );
}

import type { Deployment } from '#shared/model/deploy.ts';
import styles from './state-dot.module.css';

/** A deployed function's state as a dot; its text is next to it. */
export const StateDot = ({ state }: { readonly state: Deployment['state'] }) => (
  <span className={styles.dot} data-state={state} aria-hidden="true" />
);

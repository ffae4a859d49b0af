import { type ReactNode, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import styles from './function-console.module.css';

export interface FunctionConsoleProps {
  /** The names that can be chosen; undefined where the newest instance is shown. */
  readonly instances: readonly string[] | undefined;
  readonly stopped: boolean;
  readonly render: (instance: string | null) => ReactNode;
}

/** The serial console of one instance of a deployed function, which is followed while it is open. */
export function FunctionConsole({ instances = [], stopped, render }: FunctionConsoleProps) {
  const [isOpen, setOpen] = useState(false);
  const [wanted, setWanted] = useState<string | null>(null);
  const chosen = wanted !== null && instances.includes(wanted) ? wanted : (instances[0] ?? null);
  return (
    <section aria-label="Serial console">
      <header className={styles.head}>
        <h2>Console</h2>
        {isOpen && instances.length > 1 && (
          <select aria-label="Instance" value={chosen ?? ''} onChange={({ target }) => setWanted(target.value)}>
            {instances.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
        <Button kind="quiet" disabled={!isOpen && stopped} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Close the console' : 'Open the console'}
        </Button>
      </header>
      {isOpen && <div className={styles.body}>{render(chosen)}</div>}
    </section>
  );
}

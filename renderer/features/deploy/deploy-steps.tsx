import { useNow } from '../../bind/studio.tsx';
import type { DeployTask, StepState } from '../../state/deployments.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatMs } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ErrorState, ProgressBar } from '../../ui/states.tsx';
import styles from './deploy-steps.module.css';

const titles: Readonly<Record<StepState['name'], string>> = {
  build: 'Build',
  image: 'Pack',
  push: 'Push',
  apply: 'Apply',
  rollout: 'Roll out',
  call: 'Call',
};

/** A deploy as its steps: the duration of each, its work, and the error of a failed step. */
export function DeploySteps({ task, onAgain }: { readonly task: DeployTask; readonly onAgain: () => void }) {
  const isRunning = task.stage === 'running';
  const now = useNow(100, isRunning);
  const totalMs = task.steps.reduce((sum, step) => sum + (lengthOf(step, now) ?? 0), 0);
  return (
    <section className={styles.deploy} aria-label="Deploy" aria-busy={isRunning}>
      <header className={styles.head}>
        <p role="status">
          <b>{headline(task)}</b> <span className="mono">{formatMs(totalMs)}</span>
          {task.result !== null && (
            <span className="muted">
              {' '}
              revision {task.result.revision}, {formatBytes(task.result.pushedBytes)} uploaded
            </span>
          )}
        </p>
        {isRunning ? (
          <Button icon="stop" disabled={task.cancelling} onClick={task.cancel}>
            {task.cancelling ? 'Cancelling' : 'Cancel'}
          </Button>
        ) : (
          <Button icon="refresh" onClick={onAgain}>
            Deploy again
          </Button>
        )}
      </header>
      <ol className={styles.steps}>
        {task.steps.map((step) => (
          <Step key={step.name} step={step} now={now} />
        ))}
      </ol>
      {task.result?.warnings?.map((warning) => (
        <p key={warning} className={`warning selectable ${styles.warning}`}>
          {warning}
        </p>
      ))}
      {task.error !== null && task.stage === 'failed' && <ErrorState error={task.error} />}
    </section>
  );
}

function headline({ stage, name, target }: DeployTask): string {
  switch (stage) {
    case 'running':
      return `Deploying ${name} to ${target}`;
    case 'done':
      return `Deployed to ${target}`;
    case 'failed':
      return `${name} was not deployed`;
    case 'cancelled':
      return 'The deploy was cancelled';
  }
}

function Step({ step, now }: { readonly step: StepState; readonly now: number }) {
  const { name, status, message, fraction } = step;
  const length = lengthOf(step, now);
  return (
    <li className={styles.step} data-status={status} aria-current={status === 'running' ? 'step' : undefined}>
      <p className={styles.title}>
        {status === 'done' && <Icon name="check" size={12} />}
        {status === 'failed' && <Icon name="error" size={12} />}
        <span>{titles[name]}</span>
        <span className={`mono ${styles.length}`}>{length === null ? '' : formatMs(length)}</span>
      </p>
      {status === 'running' ? (
        <ProgressBar fraction={fraction} label={titles[name]} />
      ) : (
        <span className={styles.line} aria-hidden="true" />
      )}
      <p className={styles.message} data-tip={message === '' ? undefined : message}>
        {status === 'cancelled' ? 'cancelled' : message}
      </p>
    </li>
  );
}

const lengthOf = ({ status, durationMs, startedAtMs }: StepState, now: number): number | null =>
  status === 'running' && startedAtMs !== null ? Math.max(0, now - startedAtMs) : durationMs;

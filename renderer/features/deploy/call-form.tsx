import { type FormEvent, useState } from 'react';
import type { CallOutput } from '#shared/contract/index.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { isJsonText } from '#shared/model/json.ts';
import { useProject, useSaved, useStudio } from '../../bind/studio.tsx';
import type { DeployedRef } from '../../state/deployments.ts';
import { eventText } from '../../state/events.ts';
import { failed, idle, type Loadable, loading, ready } from '../../state/loadable.ts';
import { Button } from '../../ui/button.tsx';
import field from '../../ui/field.module.css';
import { formatMs } from '../../ui/format.ts';
import { JsonText } from '../../ui/json-view.tsx';
import { ErrorState } from '../../ui/states.tsx';
import styles from './call-form.module.css';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

interface Answer extends CallOutput<'deploy:invoke'> {
  readonly durationMs: number;
}

/** Sends a request to a deployed function, through the cluster's API: no route into the cluster is needed. */
export function CallForm({ of }: { readonly of: DeployedRef }) {
  const { client, saved, deploy } = useStudio();
  const project = useProject();
  const [method, setMethod] = useState<(typeof methods)[number]>('GET');
  const [path, setPath] = useState('/');
  const [body, setBody] = useState('');
  const [answer, setAnswer] = useState<Loadable<Answer>>(idle);
  const typed = useSaved((state) => (project === null ? '' : eventText(state, project.id)));
  const isWrong = !path.startsWith('/');
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setAnswer(loading);
    const startedAt = performance.now();
    try {
      const sent = { ...of, method, path, body: method === 'GET' || body === '' ? null : body };
      const found = await client.call('deploy:invoke', sent);
      setAnswer(ready({ ...found, durationMs: performance.now() - startedAt }));
      // The first call ends the cold start.
      void deploy.refresh();
    } catch (thrown) {
      setAnswer((before) => failed(before, toFirstlightError(thrown)));
    }
  };
  return (
    <section className={styles.call} aria-label="Call it">
      <form onSubmit={(event) => void send(event)}>
        <div className={styles.line}>
          <select
            className={styles.method}
            aria-label="Method"
            value={method}
            onChange={({ target }) => setMethod(methods.find((one) => one === target.value) ?? 'GET')}
          >
            {methods.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <input
            className={`${field.input} mono`}
            aria-label="Path"
            aria-invalid={isWrong}
            value={path}
            spellCheck={false}
            onChange={({ target }) => setPath(target.value)}
          />
          <Button kind="primary" type="submit" icon="send" disabled={isWrong || answer.status === 'loading'}>
            Call
          </Button>
        </div>
        {method !== 'GET' && (
          <div className={styles.body}>
            <textarea
              className={`${styles.text} mono`}
              aria-label="Body"
              rows={4}
              value={body}
              spellCheck={false}
              onChange={({ target }) => setBody(target.value)}
            />
            {project !== null && typed !== body && (
              <Button kind="quiet" onClick={() => setBody(eventText(saved.getState(), project.id))}>
                Take the event of {project.name}
              </Button>
            )}
          </div>
        )}
      </form>
      {answer.error !== null && <ErrorState compact error={answer.error} />}
      {answer.value !== null && <Shown answer={answer.value} />}
      {answer.status === 'idle' && <p className="muted">A call goes through the cluster’s API.</p>}
    </section>
  );
}

function Shown({ answer: { status, body, durationMs } }: { readonly answer: Answer }) {
  return (
    <div role="status" aria-label="Answer">
      <p className={styles.outcome}>
        <b className={status < 400 ? 'ok' : 'danger'}>{status}</b> <span className="mono">{formatMs(durationMs)}</span>
      </p>
      <pre className={`${styles.answer} mono selectable scroll`}>
        {isJsonText(body) ? <JsonText text={body} /> : body}
      </pre>
    </div>
  );
}

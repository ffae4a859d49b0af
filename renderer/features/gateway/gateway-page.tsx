import { useEffect, useRef } from 'react';
import type { Gateway } from '#shared/model/gateway.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './gateway.module.css';
import { GatewayForm } from './gateway-form.tsx';
import { GatewayFunctions } from './gateway-functions.tsx';
import { GatewayRequests } from './gateway-requests.tsx';
import { useGateway, useGatewayState } from './use-gateway.ts';
import { readWish } from './wish.ts';

/** The local gateway: how it is started, and while it serves, each function with its instances and requests. */
export function GatewayPage() {
  const studio = useStudio();
  const status = useGatewayState((state) => state.status);
  const failure = useGatewayState((state) => state.failure);
  const gateway = useGateway();
  return (
    <Page
      title="Gateway"
      note="Serves the open functions by HTTP on this machine only, from zero instances and back."
      actions={<StartStop />}
      closeLabel="Close the gateway’s page"
      onClose={() => studio.transient.setState({ center: 'editor' })}
    >
      <div className={styles.page}>
        {failure !== null && <ErrorState compact error={failure} />}
        {status.value === null ? (
          status.error === null ? (
            <LoadingState message="Asking the engine" />
          ) : (
            <ErrorState
              error={status.error}
              actions={<Button onClick={() => void studio.gateway.load()}>Try again</Button>}
            />
          )
        ) : gateway === null ? (
          <>
            <GatewayForm />
            <Preview />
          </>
        ) : (
          <>
            <Serving gateway={gateway} />
            {gateway.functions.length === 0 ? (
              <EmptyState title="No function is open">
                A function that is opened is served at once, at /function/ and its name.
              </EmptyState>
            ) : (
              <GatewayFunctions gateway={gateway} />
            )}
            <GatewayRequests gateway={gateway} />
          </>
        )}
      </div>
    </Page>
  );
}

/** One button for both, so that the keyboard stays on it. */
function StartStop() {
  const { gateway } = useStudio();
  const step = useGatewayState((state) => state.step);
  const isValid = useGatewayState((state) => readWish(state.wish) !== null);
  const runs = useGateway() !== null;
  const here = useRef<HTMLSpanElement>(null);
  const before = useRef(runs);
  useEffect(() => {
    // The field that Enter was pressed in is gone.
    if (before.current !== runs && document.activeElement === document.body)
      here.current?.querySelector('button')?.focus();
    before.current = runs;
  }, [runs]);
  return (
    <span ref={here}>
      <Button
        kind={runs ? 'normal' : 'primary'}
        icon={runs ? 'stop' : 'play'}
        disabled={!runs && !isValid}
        onClick={() => void (runs ? gateway.stop() : gateway.start())}
      >
        {step === 'starting' ? 'Starting' : step === 'stopping' ? 'Stopping' : runs ? 'Stop' : 'Start'}
      </Button>
    </span>
  );
}

/** The functions that it would serve. */
function Preview() {
  const projects = useSession((state) => state.projects.value) ?? [];
  if (projects.length === 0)
    return <p className="muted">No function is open: one that is opened later is served too.</p>;
  return (
    <p className="muted">
      {'It will serve '}
      {projects.map(({ id, name }, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <span className="mono">/function/{name}</span>
        </span>
      ))}
      .
    </p>
  );
}

function Serving({ gateway: { url, host, limits } }: { readonly gateway: Gateway }) {
  return (
    <div className={`${styles.serving} selectable`} role="status" aria-label="State">
      <span className={styles.address}>
        <span className={styles.dot} aria-hidden="true" />
        <b className="mono">{url}</b>
        <CopyButton label="Copy the gateway’s address" text={url} />
      </span>
      <span>start mode {limits.startMode}</span>
      <span>
        at most {limits.concurrency} {limits.concurrency === 1 ? 'instance' : 'instances'} each
      </span>
      <span>queue {limits.queue}</span>
      <span>idle {limits.idleMs / 1000} s</span>
      <span>deadline {limits.deadlineMs / 1000} s</span>
      {host !== undefined && <span>on {host}</span>}
    </div>
  );
}

import { type ReactNode, useMemo } from 'react';
import type { BootTimeline } from '#shared/model/timeline.ts';
import { makeClusterTimeline } from '#shared/timeline/index.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { type DeployedRef, deployedKey } from '../../state/deployments.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { CallForm } from './call-form.tsx';
import { DeploySteps } from './deploy-steps.tsx';
import { FunctionConsole } from './function-console.tsx';
import { FunctionResources, type FunctionResourcesProps } from './function-resources.tsx';
import styles from './function-view.module.css';
import { LogView } from './log-view.tsx';
import { Revisions } from './revisions.tsx';
import { StateDot } from './state-dot.tsx';
import { useDeploy } from './use-deploy.ts';

/** The function's row of the followed list, or the separate reading of it, which has more details of failures. */
function useDeployment({ target, name }: DeployedRef) {
  const listed = useDeploy((state) => state.functions[target]?.value?.find((one) => one.name === name));
  const read = useDeploy((state) => state.details?.deployment.value ?? undefined);
  return listed === undefined || read?.revision === listed.revision ? (read ?? listed) : listed;
}

/** The actions on a deployed function. */
export function FunctionActions({ of }: { readonly of: DeployedRef }) {
  const { deploy } = useStudio();
  const deployment = useDeployment(of);
  const earlier = useDeploy((state) => state.details?.revisions.value?.some(({ isCurrent }) => !isCurrent) ?? false);
  if (deployment === undefined) return null;
  const { wanted } = deployment.replicas;
  const isPaused = deployment.state === 'paused';
  // Knative chooses the number of pods, and keeps earlier revisions beside the newest one.
  const isOurs = deployment.workload !== 'knative';
  return (
    <>
      {isOurs && (
        <fieldset className={styles.scale} aria-label="Replicas">
          <IconButton
            icon="minus"
            label="One replica less"
            disabled={wanted === 0}
            onClick={() => void deploy.scale(of, wanted - 1)}
          />
          <span className="mono" data-tip="Replicas that are wanted">
            {wanted}
          </span>
          <IconButton icon="plus" label="One replica more" onClick={() => void deploy.scale(of, wanted + 1)} />
        </fieldset>
      )}
      {isOurs && deployment.workload !== 'kubevirt' && deployment.namespace !== null && (
        <IconButton
          icon={isPaused ? 'play' : 'pause'}
          label={isPaused ? 'Roll out again' : 'Pause: roll nothing out'}
          onClick={() => void deploy.pause(of, !isPaused)}
        />
      )}
      <Button icon="undo" disabled={!earlier || isPaused} onClick={() => void deploy.rollBack(of)}>
        Roll back
      </Button>
      <Button icon="trash" onClick={() => deploy.undeploy(of)}>
        Undeploy
      </Button>
    </>
  );
}

export interface FunctionViewProps {
  readonly of: DeployedRef;
  readonly renderColdStart: (timeline: BootTimeline) => ReactNode;
  readonly renderUsage: FunctionResourcesProps['render'];
  readonly renderConsole: (instance: string | null) => ReactNode;
}

/** A deployed function: its deploy by this window, state, cold start, resources, a call, log, console and revisions. */
export function FunctionView({ of, renderColdStart, renderUsage, renderConsole }: FunctionViewProps) {
  const studio = useStudio();
  const task = useDeploy((state) => state.tasks[deployedKey(of)]);
  const deployment = useDeployment(of);
  const details = useDeploy((state) => state.details);
  const project = useSession((state) => state.projects.value?.find(({ name }) => name === of.name));
  const again = () => {
    const projectId = task?.projectId ?? project?.id;
    if (projectId !== undefined) void studio.deploy.deploy(projectId, of.target, task?.profile);
  };
  const isThere = deployment !== undefined;
  return (
    <div className={styles.function}>
      {task !== undefined && <DeploySteps task={task} onAgain={again} />}
      {isThere ? (
        <Standing of={of} />
      ) : task?.stage === 'running' ? null : details?.deployment.error != null ? (
        <ErrorState
          error={details.deployment.error}
          actions={<Button onClick={() => void studio.deploy.refresh()}>Try again</Button>}
        />
      ) : (
        <LoadingState message={`Asking ${of.target}`} />
      )}
      {isThere && deployment.namespace !== null && (
        <ColdStart render={renderColdStart} stopped={deployment.replicas.wanted === 0} />
      )}
      {isThere && <FunctionResources of={of} stopped={deployment.replicas.wanted === 0} render={renderUsage} />}
      {isThere && (
        <div className={styles.pair}>
          <CallForm of={of} />
          <LogView of={of} />
        </div>
      )}
      {isThere && (
        <FunctionConsole
          instances={deployment.instances?.map((one) => one.name)}
          stopped={deployment.replicas.wanted === 0}
          render={renderConsole}
        />
      )}
      {isThere && details?.revisions.value != null && (
        <Revisions of={of} deployment={deployment} revisions={details.revisions.value} />
      )}
    </div>
  );
}

function Standing({ of }: { readonly of: DeployedRef }) {
  const deployment = useDeployment(of);
  if (deployment === undefined) return null;
  const { state, message, replicas, revision, endpoint, image, hostsDown = [], traffic = [] } = deployment;
  return (
    <div className={`${styles.standing} selectable`} role="status" aria-label="State">
      <p>
        <StateDot state={state} /> <b>{state}</b>
        <span>
          {replicas.ready} of {replicas.wanted} replicas ready
        </span>
        <span>revision {revision}</span>
        {traffic.length > 1 && (
          <span>{`traffic: ${traffic.map((one) => `${one.percent} % to ${one.revision}`).join(', ')}`}</span>
        )}
        <span className="mono">{endpoint}</span>
        <span className="mono muted ellipsis" data-tip={image}>
          {image.split('@').at(-1)?.slice(0, 19)}
        </span>
      </p>
      {state === 'failing' && <p className="danger">{message}</p>}
      {state !== 'failing' && hostsDown.map((line) => <p key={line}>{line}</p>)}
    </div>
  );
}

function ColdStart({
  render,
  stopped,
}: {
  readonly render: (timeline: BootTimeline) => ReactNode;
  readonly stopped: boolean;
}) {
  const coldStart = useDeploy((state) => state.details?.coldStart);
  const timeline = useMemo(
    () => (coldStart?.value == null ? null : makeClusterTimeline(coldStart.value)),
    [coldStart?.value],
  );
  return (
    <section className={styles.coldStart} aria-label="Cold start on the cluster">
      {stopped ? (
        <EmptyState title="No pod runs">It is scaled to zero: one replica more starts it.</EmptyState>
      ) : timeline !== null && coldStart?.value != null ? (
        <>
          <p className="muted">
            Cold start of pod <span className="mono selectable">{coldStart.value.pod}</span>, from the moment it was
            asked for{coldStart.value.accel === 'tcg' && `; emulated: ${coldStart.value.why}`}
          </p>
          <div className={styles.timeline}>{render(timeline)}</div>
        </>
      ) : coldStart?.error != null ? (
        <p className="muted">{coldStart.error.message}</p>
      ) : (
        <LoadingState message="Reading the marks of its pod" />
      )}
    </section>
  );
}

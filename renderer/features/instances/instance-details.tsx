import { useEffect, useState } from 'react';
import type { FirstlightError } from '#shared/errors.ts';
import { toFirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { InstanceId } from '#shared/model/units.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import dialog from '../../ui/dialog.module.css';
import { Dialog } from '../../ui/dialog.tsx';
import facts from '../../ui/facts.module.css';
import { formatClock, formatMs } from '../../ui/format.ts';
import { ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './instances.module.css';

export interface InstanceDetailsProps {
  readonly instanceId: InstanceId;
  readonly onClose: () => void;
}

/** The details of an instance: its machine, its address, its function's environment and arguments, and libvirt's description. */
export function InstanceDetails({ instanceId, onClose }: InstanceDetailsProps) {
  const instance = useSession((state) => state.instances.value?.find((entry) => entry.id === instanceId));
  const project = useSession((state) => state.projects.value?.find((entry) => entry.id === instance?.projectId));
  const xml = useDomainXml(instanceId);
  if (instance === undefined) {
    return (
      <Dialog title={instanceId} onClose={onClose}>
        <p className={dialog.text}>This instance is gone. Its run keeps what was recorded of it.</p>
      </Dialog>
    );
  }
  const config = project?.config ?? null;
  // Their values may be secrets: the names are enough to see which are set.
  const env = Object.keys(config?.env ?? {});
  const args = config?.args ?? [];
  return (
    <Dialog
      title={instance.id}
      onClose={onClose}
      actions={
        <Button
          icon="copy"
          disabled={xml.value === null}
          onClick={() => void navigator.clipboard.writeText(xml.value ?? '')}
        >
          Copy the XML
        </Button>
      }
    >
      <dl className={`${facts.facts} selectable`}>
        <dt>State</dt>
        <dd>{instance.failure === null ? instance.state : `${instance.state}: ${instance.failure}`}</dd>
        <dt>Function</dt>
        <dd>
          {instance.functionName} on {instance.runtime}
        </dd>
        <dt>Machine</dt>
        <dd>
          {instance.memoryMiB} MiB, {instance.vcpus} vCPU, {instance.accel === 'kvm' ? 'KVM' : 'emulated'},{' '}
          {instance.startMode}
        </dd>
        <dt>Serves</dt>
        <dd>{instance.url === null ? 'no port of this machine' : <span className="mono">{instance.url}</span>}</dd>
        <dt>Domain</dt>
        <dd className="mono">
          {instance.domain} at {instance.uri}
        </dd>
        <dt>Image</dt>
        <dd className="mono">{instance.imageId.slice(0, 16)}</dd>
        <dt>Created</dt>
        <dd>
          {formatClock(instance.createdAt)}
          {instance.keep ? ', outlives the studio' : ''}
        </dd>
        {config !== null && (
          <>
            <dt>Configuration</dt>
            <dd>{configWords(config)}</dd>
          </>
        )}
        {env.length > 0 && (
          <>
            <dt>Environment</dt>
            <dd>
              {env.map((name) => (
                <div key={name} className="mono">
                  {name}
                </div>
              ))}
            </dd>
          </>
        )}
        {args.length > 0 && (
          <>
            <dt>Arguments</dt>
            <dd className="mono">{JSON.stringify(args)}</dd>
          </>
        )}
      </dl>
      {xml.error !== null ? (
        <ErrorState compact error={xml.error} />
      ) : xml.value === null ? (
        <LoadingState message="Asking libvirt" />
      ) : (
        <section className={`${styles.xml} scroll selectable`} aria-label="Domain XML">
          <pre className="mono">{xml.value}</pre>
        </section>
      )}
    </Dialog>
  );
}

/** The keys of firstlight.json that determine how an instance runs. */
function configWords({ timeoutMs, port, hostPort, ports = [], volumes = {} }: ProjectConfig): string {
  const forwarded = [
    ...(port === undefined ? [] : [{ guest: port, host: hostPort }]),
    ...ports.map(({ guest, host }) => ({ guest, host })),
  ].map(({ guest, host }) => (host === undefined ? `${guest}` : `${host} to ${guest}`));
  return [
    `answers within ${formatMs(timeoutMs)}`,
    forwarded.length === 0 ? 'no ports' : `ports ${forwarded.join(', ')}`,
    Object.keys(volumes).length === 0 ? null : `volumes ${Object.keys(volumes).join(', ')}`,
  ]
    .filter((part) => part !== null)
    .join('; ');
}

function useDomainXml(instanceId: InstanceId): {
  readonly value: string | null;
  readonly error: FirstlightError | null;
} {
  const { client } = useStudio();
  const [read, setRead] = useState<ReturnType<typeof useDomainXml>>({ value: null, error: null });
  useEffect(() => {
    const abort = new AbortController();
    client.call('instances:describe', { instanceId }, { signal: abort.signal }).then(
      ({ domainXml }) => setRead({ value: domainXml, error: null }),
      (thrown) => {
        if (!abort.signal.aborted) setRead({ value: null, error: toFirstlightError(thrown) });
      },
    );
    return () => abort.abort();
  }, [client, instanceId]);
  return read;
}

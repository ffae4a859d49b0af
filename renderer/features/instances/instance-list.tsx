import type { VirtualElement } from '@floating-ui/react';
import { useState } from 'react';
import type { HostInfo } from '#shared/model/host.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { InstanceId } from '#shared/model/units.ts';
import { useNow, useSession, useStudio, useTransient } from '../../bind/studio.tsx';
import button from '../../ui/button.module.css';
import { Button, IconButton } from '../../ui/button.tsx';
import { FilterInput, matchesWords } from '../../ui/filter-input.tsx';
import { formatAgo, formatBytes } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import { Menu, type MenuItem, MenuList } from '../../ui/menu.tsx';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './instances.module.css';

const stateWords: Readonly<Record<Instance['state'], string>> = {
  prestarted: 'created, paused before its first instruction',
  booting: 'booting',
  prebooted: 'booted, waits for its run',
  ready: 'waits for a call',
  busy: 'serves a call',
  paused: 'suspended',
  stopping: 'stopping',
  stopped: 'stopped',
  failed: 'failed',
};

/** Sorts the newest first, with the same order after each reload. */
const byAge = (a: Instance, b: Instance): number => b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id);

const isAlive = ({ state }: Instance): boolean => !['stopped', 'failed', 'stopping'].includes(state);

/** The virtual machines on all hosts, as the hosts report them now. */
export function InstanceList({ detailed = false }: { readonly detailed?: boolean }) {
  const studio = useStudio();
  const instances = useSession((state) => state.instances);
  const hosts = useSession((state) => state.hosts);
  // Ended instances are listed in their own area; the list next to the functions has only live and failed ones.
  const shown = [...(instances.value ?? [])]
    .filter((entry) => detailed || entry.state !== 'stopped')
    .sort(byAge)
    .sort((a, b) => Number(a.state === 'stopped') - Number(b.state === 'stopped'));
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<InstanceId>>(new Set());
  const listed = shown.filter((entry) => matchesWords(query, [entry.id, entry.runtime, entry.state, entry.url]));
  const selected = listed.filter(({ id }) => chosen.has(id));
  const choose = (id: InstanceId, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const ended = shown.filter((entry) => entry.state === 'stopped' || entry.state === 'failed');
  return (
    <Section
      title="Instances"
      grow={detailed}
      actions={
        <>
          {detailed && ended.length > 0 && (
            <IconButton
              icon="trash"
              label="Forget those that have ended"
              onClick={() => {
                for (const entry of ended) void studio.instances.remove(entry.id);
              }}
            />
          )}
          {shown.filter(isAlive).length > 1 && (
            <IconButton icon="stop" size={12} label="Stop all instances" onClick={() => studio.instances.stopAll()} />
          )}
          <IconButton icon="refresh" label="Read the list again" onClick={() => void studio.instances.load()} />
        </>
      }
    >
      {hosts.length > 1 && hosts.filter(({ state }) => state === 'lost').map(renderLostHost)}
      {instances.value === null && instances.error !== null ? (
        <ErrorState
          compact
          error={instances.error}
          actions={<Button onClick={() => void studio.instances.load()}>Try again</Button>}
        />
      ) : instances.value === null ? (
        <LoadingState message="Asking libvirt" />
      ) : shown.length === 0 ? (
        <EmptyState title="No instance runs">Run (Ctrl+Enter) boots one; it then waits here for more calls.</EmptyState>
      ) : (
        <>
          {detailed && shown.length > 1 && (
            <FilterInput label="Filter the instances" value={query} onChange={setQuery} />
          )}
          {selected.length > 0 && <BulkActions selected={selected} onDone={() => setChosen(new Set())} />}
          <RowList label="Instances">
            {listed.map((instance) => (
              <InstanceRow
                key={instance.id}
                instance={instance}
                detailed={detailed}
                showsHost={hosts.length > 1}
                chosen={chosen.has(instance.id)}
                onChoose={(isChosen) => choose(instance.id, isChosen)}
              />
            ))}
          </RowList>
        </>
      )}
    </Section>
  );
}

const renderLostHost = ({ name, failure }: HostInfo) => (
  <p key={name} role="status" className={styles.hostLost}>
    Host {name} is lost. {failure}
  </p>
);

interface InstanceRowProps {
  readonly instance: Instance;
  readonly detailed: boolean;
  /** True when there is more than one host. */
  readonly showsHost: boolean;
  readonly chosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function InstanceRow({ instance, detailed, showsHost, chosen, onChoose }: InstanceRowProps) {
  const studio = useStudio();
  const focused = useTransient((state) => state.focusedInstanceId === instance.id);
  const memory = useSession((state) => state.samples[instance.id]?.at(-1)?.memoryBytes);
  const now = useNow(10_000, detailed);
  const alive = instance.state !== 'stopped' && instance.state !== 'failed';
  const ago = formatAgo(Date.parse(instance.createdAt), now);
  const words = instance.failure ?? stateWords[instance.state];
  const url = alive ? instance.url : null;
  const [menuAt, setMenuAt] = useState<VirtualElement | null>(null);
  return (
    <li
      onContextMenu={(event) => {
        event.preventDefault();
        setMenuAt(pointOf(event.clientX, event.clientY));
      }}
      className={joinClasses(
        rows.row,
        styles.instance,
        focused && rows.active,
        instance.state === 'stopped' && styles.ended,
      )}
    >
      <button
        type="button"
        data-row
        className={`${rows.main} ${styles.main}`}
        data-tip={`${instance.domain}\n${words}\n${instance.runtime}, ${instance.memoryMiB} MiB, ${instance.vcpus} vCPU, ${instance.accel === 'kvm' ? 'KVM' : 'emulated'}${url === null ? '' : `\n${url}`}`}
        aria-label={`${instance.id}, ${words}`}
        aria-current={focused}
        onClick={() => {
          studio.instances.focus(instance.id);
          studio.consoles.open(instance.id);
        }}
      >
        <span className={styles.dot} data-state={instance.state} />
        <span className={styles.words}>
          <span className={`ellipsis mono ${styles.id}`} data-part="instance-id">
            {instance.id}
          </span>
          {!detailed && showsHost && <span className={`ellipsis muted ${styles.detail}`}>{instance.host}</span>}
          {detailed && (
            <span className={`ellipsis muted ${styles.detail}`}>
              {[
                instance.state,
                showsHost ? instance.host : null,
                instance.runtime,
                alive ? (memory ? formatBytes(memory) : `${instance.memoryMiB} MiB`) : null,
                ago,
              ]
                .filter((part) => part !== null)
                .join(', ')}
            </span>
          )}
          {detailed && url !== null && <span className={`ellipsis mono muted ${styles.detail}`}>{url}</span>}
        </span>
        {instance.state === 'failed' && <Icon name="warning" size={12} />}
      </button>
      {detailed && (
        <input
          type="checkbox"
          className={styles.choose}
          aria-label={`Select ${instance.id}`}
          checked={chosen}
          onChange={({ target }) => onChoose(target.checked)}
        />
      )}
      <span className={`${rows.action} ${styles.action}`}>
        {instance.state === 'ready' && (
          <IconButton
            icon="send"
            label="Call it with the event (warm)"
            onClick={() => void studio.invoke.call(instance.id)}
          />
        )}
        {alive && instance.state !== 'stopping' && (
          <IconButton icon="stop" size={12} label="Stop" onClick={() => void studio.instances.stop(instance.id)} />
        )}
      </span>
      <Menu
        label={`Actions of ${instance.id}`}
        className={`${button.iconButton} ${rows.action} ${styles.action}`}
        items={instanceItems(instance, studio)}
      >
        <Icon name="more" size={14} />
      </Menu>
      {menuAt !== null && (
        <MenuList
          label={`Actions of ${instance.id}`}
          items={instanceItems(instance, studio)}
          anchor={menuAt}
          onClose={() => setMenuAt(null)}
        />
      )}
    </li>
  );
}

/** The actions on all selected instances. */
function BulkActions({ selected, onDone }: { readonly selected: readonly Instance[]; readonly onDone: () => void }) {
  const studio = useStudio();
  const alive = selected.filter(isAlive).map(({ id }) => id);
  return (
    <div className={styles.bulk}>
      <Button
        icon="stop"
        disabled={alive.length === 0}
        onClick={() => {
          for (const id of alive) void studio.instances.stop(id);
          onDone();
        }}
      >
        Stop {alive.length}
      </Button>
      <Button
        icon="trash"
        onClick={() => {
          studio.instances.removeMany(selected.map(({ id }) => id));
          onDone();
        }}
      >
        Remove {selected.length}
      </Button>
    </div>
  );
}

/** A point as the anchor of a menu. */
const pointOf = (x: number, y: number): VirtualElement => ({
  getBoundingClientRect: () => new DOMRect(x, y, 0, 0),
});

function instanceItems(instance: Instance, studio: ReturnType<typeof useStudio>): readonly MenuItem[] {
  const { id, state } = instance;
  const alive = state !== 'stopped' && state !== 'failed' && state !== 'stopping';
  return [
    {
      id: 'call',
      label: 'Call with the event',
      icon: 'send',
      disabled: state !== 'ready',
      onSelect: () => void studio.invoke.call(id),
    },
    {
      id: 'details',
      label: 'Details',
      icon: 'info',
      onSelect: () => studio.transient.setState({ dialog: { kind: 'instance', instanceId: id } }),
    },
    { id: 'console', label: 'Open its console', icon: 'terminal', onSelect: () => studio.consoles.open(id) },
    state === 'paused'
      ? { id: 'resume', label: 'Resume', icon: 'play', onSelect: () => void studio.instances.resume(id) }
      : {
          id: 'suspend',
          label: 'Suspend',
          icon: 'pause',
          disabled: state !== 'ready' && state !== 'busy',
          onSelect: () => void studio.instances.suspend(id),
        },
    ...(instance.url === null
      ? []
      : [
          {
            id: 'url',
            label: 'Copy its URL',
            detail: instance.url,
            icon: 'copy' as const,
            disabled: !alive,
            onSelect: () => void navigator.clipboard.writeText(instance.url ?? ''),
          },
        ]),
    {
      id: 'copy',
      label: 'Copy the domain’s name',
      icon: 'copy',
      onSelect: () => void navigator.clipboard.writeText(instance.domain),
    },
    {
      id: 'stop',
      label: 'Stop',
      icon: 'stop',
      separated: true,
      disabled: !alive,
      onSelect: () => void studio.instances.stop(id),
    },
    {
      id: 'remove',
      label: alive ? 'Stop and remove' : 'Remove',
      icon: 'trash',
      danger: true,
      onSelect: () => void studio.instances.remove(id),
    },
  ];
}

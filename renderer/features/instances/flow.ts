import { toFirstlightError } from '#shared/errors.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { InstanceId, ProjectId } from '#shared/model/units.ts';
import { report, type StudioContext } from '../../state/context.ts';
import { failed, loading, ready } from '../../state/loadable.ts';

export interface InstanceActions {
  readonly load: () => Promise<void>;
  readonly stop: (instanceId: InstanceId) => Promise<void>;
  /** Stops every instance, after a person has confirmed it. */
  readonly stopAll: () => void;
  readonly remove: (instanceId: InstanceId) => Promise<void>;
  /** Stops and removes several instances, after a person has confirmed it. */
  readonly removeMany: (instanceIds: readonly InstanceId[]) => void;
  readonly suspend: (instanceId: InstanceId) => Promise<void>;
  readonly resume: (instanceId: InstanceId) => Promise<void>;
  /** The instances that a new run of the project replaces. */
  readonly replaceable: (projectId: ProjectId) => readonly InstanceId[];
  /** Shows the graphs of an instance. */
  readonly focus: (instanceId: InstanceId) => void;
  readonly changed: (instance: Instance) => void;
  readonly removed: (instanceId: InstanceId) => void;
}

/** The dependencies on the features that own consoles and graphs. */
export interface InstanceNeeds {
  readonly openConsole: (instanceId: InstanceId) => void;
  readonly closeConsole: (key: string) => void;
  readonly dropSamples: (instanceId: InstanceId) => void;
}

export function createInstanceActions(context: StudioContext, needs: InstanceNeeds): InstanceActions {
  const { client, session, transient } = context;
  const list = () => session.getState().instances.value ?? [];

  const attempt =
    (name: 'instances:stop' | 'instances:remove' | 'instances:suspend' | 'instances:resume') =>
    async (instanceId: InstanceId) => {
      try {
        await client.call(name, { instanceId });
      } catch (thrown) {
        report(context, thrown);
      }
    };

  const stop = attempt('instances:stop');

  const remove = async (instanceId: InstanceId) => {
    showStopping(instanceId);
    await attempt('instances:remove')(instanceId);
  };

  return {
    load: async () => {
      session.setState((state) => ({ instances: loading(state.instances) }));
      try {
        session.setState({ instances: ready(await client.call('instances:list', {})) });
      } catch (thrown) {
        session.setState((state) => ({ instances: failed(state.instances, toFirstlightError(thrown)) }));
      }
    },
    stop: async (instanceId) => {
      showStopping(instanceId);
      await stop(instanceId);
    },
    stopAll: () => {
      const ids = list()
        .filter(({ state }) => state !== 'stopped' && state !== 'failed' && state !== 'stopping')
        .map(({ id }) => id);
      transient.setState({
        dialog: {
          kind: 'confirm',
          title: `Stop ${ids.length} instances?`,
          message: `${ids.join(', ')} end, with what they hold in memory.`,
          action: 'Stop them',
          onConfirm: () => {
            for (const id of ids) {
              showStopping(id);
              void stop(id);
            }
          },
        },
      });
    },
    remove,
    removeMany: (ids) =>
      transient.setState({
        dialog: {
          kind: 'confirm',
          title: ids.length === 1 ? `Remove ${ids[0]}?` : `Remove ${ids.length} instances?`,
          message: `${ids.join(', ')} end where they run, and leave the list. What their runs recorded stays.`,
          action: ids.length === 1 ? 'Remove it' : 'Remove them',
          onConfirm: () => {
            for (const id of ids) void remove(id);
          },
        },
      }),
    suspend: attempt('instances:suspend'),
    resume: attempt('instances:resume'),
    replaceable: (projectId) =>
      list()
        .filter(
          (entry) =>
            entry.projectId === projectId && !entry.keep && (entry.state === 'ready' || entry.state === 'paused'),
        )
        .map((entry) => entry.id),
    focus: (instanceId) => transient.setState({ focusedInstanceId: instanceId }),
    changed: (instance) => {
      const known = list().find((entry) => entry.id === instance.id);
      changeInstance(instance);
      const starts = instance.state === 'booting' && known?.state !== 'booting';
      const mine = transient.getState().tasks[instance.projectId]?.kind === 'run';
      if (!starts || !mine) return;
      // The console of a new boot replaces the last boot's, and comes to the front unless another tab is being read.
      const projectOf = (id: InstanceId) => list().find((entry) => entry.id === id)?.projectId;
      const earlier = transient
        .getState()
        .consoles.filter((tab) =>
          tab.kind === 'live'
            ? tab.instanceId !== instance.id && projectOf(tab.instanceId) === instance.projectId
            : tab.passing,
        );
      const { dockTab } = transient.getState();
      needs.openConsole(instance.id);
      if (dockTab === 'problems' || dockTab === 'runs') transient.setState({ dockTab });
      for (const tab of earlier) needs.closeConsole(tab.key);
    },
    removed: (instanceId) => {
      session.setState({ instances: ready(list().filter((entry) => entry.id !== instanceId)) });
      needs.dropSamples(instanceId);
    },
  };

  /** Updates the list at once: libvirt takes some time to end a domain, and a person should not wait for that. */
  function showStopping(instanceId: InstanceId): void {
    const instance = list().find((entry) => entry.id === instanceId);
    const alive = instance !== undefined && instance.state !== 'stopped' && instance.state !== 'failed';
    if (alive) changeInstance({ ...instance, state: 'stopping' });
  }

  function changeInstance(instance: Instance): void {
    const before = list();
    const known = before.some((entry) => entry.id === instance.id);
    const next = known ? before.map((entry) => (entry.id === instance.id ? instance : entry)) : [instance, ...before];
    session.setState({ instances: ready(next) });
  }
}

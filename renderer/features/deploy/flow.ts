import { type ErrorCode, toFirstlightError } from '#shared/errors.ts';
import type { Deployment, Target, TrafficChange } from '#shared/model/deploy.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { addToast, report, type StudioContext } from '../../state/context.ts';
import {
  createDeployStore,
  type DeployChoice,
  type DeployedRef,
  type DeployStore,
  type DeployTask,
  deployedKey,
  waitingSteps,
} from '../../state/deployments.ts';
import { failed, idle, loading, ready } from '../../state/loadable.ts';
import { createDetails } from './details.ts';
import { keepUnchanged } from './keep-unchanged.ts';
import { advance, complete, end } from './steps.ts';
import { describeShares } from './traffic-shares.ts';

export interface DeployActions {
  readonly store: DeployStore;
  /** Reads the targets. */
  readonly load: () => Promise<void>;
  /** Shows the page of deployed functions. */
  readonly open: (choice?: DeployChoice) => void;
  /** Errors: ALREADY_EXISTS, TARGET_INVALID. */
  readonly addTarget: (target: Target) => Promise<void>;
  /** Removes a target from the list, after a person has confirmed it. */
  readonly removeTarget: (target: string) => void;
  readonly testTarget: (target: string) => Promise<void>;
  /** Saves and deploys a project, and shows the progress. */
  readonly deploy: (projectId: ProjectId, target: string, profile?: string) => Promise<void>;
  /** These three: false when it was refused, which is reported. */
  readonly scale: (of: DeployedRef, replicas: number) => Promise<boolean>;
  /** Pauses the rollout of a function, or (false) resumes it. */
  readonly pause: (of: DeployedRef, paused: boolean) => Promise<boolean>;
  readonly rollBack: (of: DeployedRef, revision?: number) => Promise<boolean>;
  /** Splits the requests between revisions, after a person has confirmed it. `onDone` is called when it was done. */
  readonly splitTraffic: (
    of: DeployedRef,
    shares: readonly TrafficChange[],
    newest: number,
    onDone: () => void,
  ) => void;
  /** Removes a function from its cluster, after a person has confirmed it. */
  readonly undeploy: (of: DeployedRef) => void;
  /** Follows the functions of a target until the returned callback is called. */
  readonly watch: (target: string) => () => void;
  /** Follows a target again, where the connection was lost. */
  readonly followAgain: (target: string) => void;
  /** Reads the details of the shown function again. */
  readonly refresh: () => Promise<void>;
}

/** The dependencies on the features that own files. */
export interface DeployNeeds {
  readonly saveAll: (projectId: ProjectId) => Promise<boolean>;
}

/** A target that could not be reached is followed again after this time. Units: ms. */
const followAgainMs = 5_000;
const unreachableCodes: ReadonlySet<ErrorCode> = new Set([
  'CLUSTER_UNREACHABLE',
  'LIBVIRT_UNREACHABLE',
  'LIBVIRT_LOST',
]);

export function createDeployActions(context: StudioContext, needs: DeployNeeds): DeployActions {
  const { client, session, transient } = context;
  const store = createDeployStore();
  const { show, refresh } = createDetails(client, store);

  const putFunctions = (target: string, value: ReturnType<typeof store.getState>['functions'][string]) =>
    store.setState(({ functions }) => ({ functions: { ...functions, [target]: value } }));

  const open = (choice: DeployChoice = store.getState().choice) => {
    transient.setState({ center: 'deployments' });
    show(choice);
  };

  const load = async () => {
    store.setState(({ targets }) => ({ targets: loading(targets) }));
    try {
      const targets = await client.call('targets:list', {});
      store.setState({ targets: ready(targets) });
    } catch (thrown) {
      store.setState(({ targets }) => ({ targets: failed(targets, toFirstlightError(thrown)) }));
    }
  };

  const patchTask = (key: string, change: (task: DeployTask) => Partial<DeployTask>) =>
    store.setState(({ tasks }) => {
      const task = tasks[key];
      return task === undefined ? {} : { tasks: { ...tasks, [key]: { ...task, ...change(task) } } };
    });

  const deploy = async (projectId: ProjectId, target: string, profile?: string) => {
    const project = session.getState().projects.value?.find(({ id }) => id === projectId);
    if (project === undefined) return;
    const of = { target, name: project.name };
    const key = deployedKey(of);
    if (store.getState().tasks[key]?.stage === 'running') return open({ kind: 'function', of });
    if (!(await needs.saveAll(projectId))) return;
    const abort = new AbortController();
    const cancel = () => {
      patchTask(key, () => ({ cancelling: true }));
      abort.abort();
    };
    const task: DeployTask = {
      ...of,
      projectId,
      profile,
      cancel,
      stage: 'running',
      cancelling: false,
      error: null,
      result: null,
      steps: advance(waitingSteps, { step: 'build', message: 'Asking the cluster' }, Date.now()),
    };
    store.setState(({ tasks, lastTargets }) => ({
      tasks: { ...tasks, [key]: task },
      lastTargets: { ...lastTargets, [projectId]: target },
    }));
    open({ kind: 'function', of });
    try {
      const result = await client.call(
        'deploy:start',
        { projectId, target, ...(profile !== undefined && { profile }) },
        {
          signal: abort.signal,
          onProgress: (progress) => patchTask(key, ({ steps }) => ({ steps: advance(steps, progress, Date.now()) })),
        },
      );
      patchTask(key, ({ steps }) => ({ stage: 'done', result, steps: complete(steps, result) }));
      if (transient.getState().center !== 'deployments') addToast(context, `${of.name} runs on ${target}.`);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      const stage = error.code === 'CANCELLED' ? 'cancelled' : 'failed';
      patchTask(key, ({ steps }) => ({ stage, error, steps: end(steps, stage, Date.now()) }));
      if (stage === 'failed' && transient.getState().center !== 'deployments') report(context, error);
    }
    await refresh();
  };

  /** A change of one function, whose result is its new state. False when it was refused, which is reported. */
  const change = async (of: DeployedRef, work: () => Promise<Deployment>): Promise<boolean> => {
    try {
      const deployment = await work();
      store.setState(({ details }) =>
        details?.key === deployedKey(of) ? { details: { ...details, deployment: ready(deployment) } } : {},
      );
      await refresh();
      return true;
    } catch (thrown) {
      report(context, thrown);
      return false;
    }
  };

  /** A target is followed once, also when several parts of the window show it. */
  const watched = new Map<string, { count: number; close: () => void }>();
  const watch = (target: string) => {
    const known = watched.get(target) ?? { count: 0, close: follow(target) };
    known.count += 1;
    watched.set(target, known);
    return () => {
      known.count -= 1;
      if (known.count > 0) return;
      known.close();
      watched.delete(target);
    };
  };

  const follow = (target: string) => {
    // What a target that was lost last said stays in view, with the error, until it answers.
    const known = store.getState().functions[target];
    if (known?.error == null) putFunctions(target, loading(known));
    const decoder = new TextDecoder();
    let text = '';
    let again: ReturnType<typeof setTimeout> | undefined;
    const stream = client.openStream('deploy:watch', { target }, (chunk) => {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      const last = lines.at(-1);
      if (last === undefined) return;
      const former = store.getState().functions[target]?.value ?? [];
      putFunctions(target, ready(keepUnchanged(former, JSON.parse(last) as Deployment[])));
      const { choice } = store.getState();
      if (choice?.kind === 'function' && choice.of.target === target) void refresh();
    });
    stream.ended.catch((thrown) => {
      const error = toFirstlightError(thrown);
      putFunctions(target, failed(store.getState().functions[target] ?? idle, error));
      if (unreachableCodes.has(error.code)) again = setTimeout(() => followAgain(target), followAgainMs);
    });
    return () => {
      clearTimeout(again);
      stream.close();
    };
  };

  const followAgain = (target: string) => {
    const known = watched.get(target);
    if (known === undefined) return;
    known.close();
    known.close = follow(target);
  };

  return {
    store,
    load,
    open,
    refresh,
    deploy,
    addTarget: async (target) => {
      await client.call('targets:add', target);
      await load();
    },
    removeTarget: (target) => {
      const onConfirm = async () => {
        try {
          await client.call('targets:remove', { target });
          if (store.getState().choice !== null) show(null);
          await load();
        } catch (thrown) {
          report(context, thrown);
        }
      };
      confirm(context, {
        title: `Remove the target ${target}?`,
        message: 'Functions on it keep running; this window no longer lists them.',
        action: 'Remove',
        onConfirm: () => void onConfirm(),
      });
    },
    testTarget: async (target) => {
      const put = (value: ReturnType<typeof store.getState>['checks'][string]) =>
        store.setState(({ checks }) => ({ checks: { ...checks, [target]: value } }));
      put(loading(store.getState().checks[target]));
      try {
        put(ready(await client.call('targets:test', { target })));
      } catch (thrown) {
        put(failed(store.getState().checks[target], toFirstlightError(thrown)));
      }
    },
    scale: (of, replicas) => change(of, () => client.call('deploy:scale', { ...of, replicas })),
    pause: (of, paused) => change(of, () => client.call('deploy:pause', { ...of, paused })),
    rollBack: (of, revision) =>
      change(of, () => client.call('deploy:rollback', { ...of, ...(revision !== undefined && { revision }) })),
    splitTraffic: (of, shares, newest, onDone) => {
      const onConfirm = async () => {
        if (await change(of, () => client.call('deploy:traffic', { ...of, shares: [...shares] }))) onDone();
      };
      confirm(context, {
        title: `Split the traffic of ${of.name} on ${of.target}?`,
        message: `From now on its requests go: ${describeShares(shares, newest)}.`,
        action: 'Split',
        onConfirm: () => void onConfirm(),
      });
    },
    undeploy: (of) => {
      const onConfirm = async () => {
        try {
          await client.call('deploy:remove', { ...of });
          show({ kind: 'target', target: of.target });
        } catch (thrown) {
          report(context, thrown);
        }
      };
      confirm(context, {
        title: `Take ${of.name} off ${of.target}?`,
        message: 'Its pods end, its address answers no more, and the cluster forgets its revisions.',
        action: 'Undeploy',
        onConfirm: () => void onConfirm(),
      });
    },
    watch,
    followAgain,
  };
}

function confirm(
  { transient }: StudioContext,
  dialog: {
    readonly title: string;
    readonly message: string;
    readonly action: string;
    readonly onConfirm: () => void;
  },
): void {
  transient.setState({ dialog: { kind: 'confirm', ...dialog } });
}

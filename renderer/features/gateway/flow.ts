import { toFirstlightError } from '#shared/errors.ts';
import type { Gateway, GatewayRequest } from '#shared/model/gateway.ts';
import type { InstanceId, ProjectId, RunId } from '#shared/model/units.ts';
import type { StudioContext } from '../../state/context.ts';
import { createGatewayStore, type GatewayStore, type GatewayWish, type SeenRequest } from '../../state/gateway.ts';
import { failed, loading, ready } from '../../state/loadable.ts';
import { readWish } from './wish.ts';

export interface GatewayActions {
  readonly store: GatewayStore;
  /** Reads the gateway's state. */
  readonly load: () => Promise<void>;
  /** True for an instance behind the gateway. */
  readonly serves: (instanceId: InstanceId) => boolean;
  /** Shows the page of the gateway. */
  readonly open: () => void;
  readonly edit: (change: Partial<GatewayWish>) => void;
  /** Starts it as wished for; a failure is shown on its page. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Shows the requests of one function, or (again) of all. */
  readonly choose: (projectId: ProjectId) => void;
  /** Shows a recorded cold start on the timeline. */
  readonly showRun: (projectId: ProjectId, runId: RunId) => Promise<void>;
  /** The engine reports it started, stopped or changed. */
  readonly changed: (gateway: Gateway | null) => void;
  /** The engine reports an answer. */
  readonly answered: (request: GatewayRequest) => void;
  /** A function was opened, closed or renamed. */
  readonly projectsChanged: () => void;
}

/** The dependencies on other features. */
export interface GatewayNeeds {
  readonly selectProject: (projectId: ProjectId) => Promise<void>;
  readonly showRun: (projectId: ProjectId, runId: RunId) => Promise<void>;
}

/** As many answers as a person reads. */
const keptRequests = 100;
/** Answers are shown together, so that many of them a second do not hold up the window. Units: ms. */
const gatherMs = 50;

/** The local gateway: started, stopped and watched. */
export function createGatewayActions(context: StudioContext, needs: GatewayNeeds): GatewayActions {
  const { client, saved, transient } = context;
  const store = createGatewayStore();
  let gathered: SeenRequest[] = [];
  let serial = 0;

  const load = async () => {
    store.setState(({ status }) => ({ status: loading(status) }));
    try {
      const gateway = await client.call('gateway:status', {});
      store.setState({ status: ready({ gateway }) });
    } catch (thrown) {
      store.setState(({ status }) => ({ status: failed(status, toFirstlightError(thrown)) }));
    }
  };

  /** One at a time. The outcome that the call gives may be older than an event that has come meanwhile. */
  const attempt = async (step: 'starting' | 'stopping', work: () => Promise<unknown>) => {
    if (store.getState().step !== null) return;
    store.setState({ step, failure: null });
    try {
      await work();
      await load();
    } catch (thrown) {
      store.setState({ failure: toFirstlightError(thrown) });
    } finally {
      store.setState({ step: null });
    }
  };

  return {
    store,
    load,
    serves: (instanceId) =>
      store.getState().status.value?.gateway?.functions.some(({ instanceIds }) => instanceIds.includes(instanceId)) ??
      false,
    open: () => transient.setState({ center: 'gateway' }),
    edit: (change) => store.setState(({ wish }) => ({ wish: { ...wish, ...change } })),
    start: async () => {
      const request = readWish(store.getState().wish);
      if (request !== null) await attempt('starting', () => client.call('gateway:start', request));
    },
    stop: () => attempt('stopping', () => client.call('gateway:stop', {})),
    choose: (projectId) => store.setState(({ chosen }) => ({ chosen: chosen === projectId ? null : projectId })),
    showRun: async (projectId, runId) => {
      // Before the project is selected, which shows its newest run where none is shown.
      await needs.showRun(projectId, runId);
      if (saved.getState().projectId === projectId) transient.setState({ center: 'editor' });
      else await needs.selectProject(projectId);
    },
    changed: (gateway) => store.setState({ status: ready({ gateway }) }),
    answered: (request) => {
      serial += 1;
      gathered.unshift({ ...request, serial });
      if (gathered.length > 1) return;
      setTimeout(() => {
        const news = gathered;
        gathered = [];
        store.setState(({ requests }) => ({ requests: [...news, ...requests].slice(0, keptRequests) }));
      }, gatherMs);
    },
    projectsChanged: () => {
      if (store.getState().status.value?.gateway != null) void load();
    },
  };
}

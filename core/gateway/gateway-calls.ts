import type { Registry } from '#core/instances/registry.ts';
import type { RunRequest } from '#core/instances/runner-options.ts';
import type { CallContext, CallHandlers, EventListener } from '#shared/contract/index.ts';
import { FirstlightError, fromWireError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { type AheadMode, isAheadMode, type StartMode } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import type { Served, Started } from './scaler.ts';

export interface GatewayCallsOptions {
  readonly registry: Pick<Registry, 'get'>;
  readonly run: (request: RunRequest, context: CallContext) => Promise<Run>;
  readonly listProjects: () => Promise<readonly Project[]>;
  readonly watchProject: (id: ProjectId) => Promise<void>;
  /** Whether the instances of a function use a resource that only one of them can have. */
  readonly isExclusive: (project: Project) => boolean;
  readonly checkHost: (name: string | undefined) => Promise<unknown>;
  /** Builds a function and makes its next instance ahead of the first request. */
  readonly prestart: (id: ProjectId, startMode: AheadMode) => Promise<unknown>;
  readonly emit: EventListener;
  readonly log: (line: string) => void;
}

/** The calls `gateway:*`, and what the engine tells the gateway. */
export interface GatewayService {
  readonly calls: Pick<CallHandlers, Extract<keyof CallHandlers, `gateway:${string}`>>;
  /** The sources of a project have changed. */
  readonly retire: (id: ProjectId) => void;
  readonly close: () => Promise<void>;
}

export function createGatewayService(options: GatewayCallsOptions): GatewayService {
  const { registry, emit, log } = options;
  let gateway: RunningGateway | null = null;
  let isStarting = false;
  let isAnnouncing = false;
  let isStale = false;

  /** One at a time: changes meanwhile, as by many requests, cause one more. */
  const announce = async () => {
    isStale = true;
    if (isAnnouncing) return;
    isAnnouncing = true;
    try {
      while (isStale) {
        isStale = false;
        const current = gateway;
        const status = (await current?.status()) ?? null;
        if (status !== null && gateway === current) emit('gateway:changed', { gateway: status });
      }
    } catch (thrown) {
      log(`The gateway's functions could not be listed: ${String(thrown)}`);
    } finally {
      isAnnouncing = false;
    }
  };

  /** Runs the function: a cold start that is recorded as any other, whose instance goes on serving. */
  async function startInstance(
    request: Pick<RunRequest, 'projectId' | 'host'> & { readonly startMode: StartMode },
    event: Json,
    signal: AbortSignal,
  ): Promise<Started> {
    const run = await options.run({ ...request, event, lifetime: 'session' }, { signal, progress: () => undefined });
    const failure = run.error === null ? null : fromWireError(run.error);
    const answer = failure ?? run.response ?? new FirstlightError('INSTANCE_LOST', 'The function gave no answer.');
    return { answer, runId: run.id, instance: run.instance === null ? null : serveWith(run, run.instance.id) };
  }

  function serveWith(run: Run, id: NonNullable<Run['instance']>['id']): Served {
    const live = registry.get(id);
    return {
      id,
      imageId: run.image?.id ?? '',
      isReady: () => live.state === 'ready',
      gone: live.gone,
      stop: () => live.stop(),
      invoke: async (event, signal) => {
        const { outcome } = await live.invoke({ event, timeoutMs: live.record.timeoutMs, signal });
        if (outcome.ok) return outcome.response;
        throw outcome.error;
      },
    };
  }

  async function stop(): Promise<void> {
    const current = gateway;
    gateway = null;
    if (current === null) return;
    await current.close();
    emit('gateway:changed', { gateway: null });
  }

  return {
    calls: {
      'gateway:status': async () => (gateway === null ? null : await gateway.status()),
      'gateway:start': async ({ port, host, ...limits }) => {
        if (gateway !== null || isStarting) {
          throw new FirstlightError('CONFLICT', 'The gateway runs already.', { hint: 'Stop it first.' });
        }
        isStarting = true;
        const { startMode } = limits;
        try {
          await options.checkHost(host);
          gateway = await startGateway({
            port,
            host,
            limits,
            listProjects: options.listProjects,
            mostInstances: (project) => (options.isExclusive(project) ? 1 : Number.POSITIVE_INFINITY),
            watchProject: options.watchProject,
            start: (projectId, event, signal) =>
              startInstance({ projectId, startMode, ...(host !== undefined && { host }) }, event, signal),
            onChange: () => void announce(),
            onAnswered: (request) => emit('gateway:answered', { request }),
          });
        } finally {
          isStarting = false;
        }
        if (isAheadMode(startMode) && host === undefined) void prestartAll(startMode);
        void announce();
        return await gateway.status();
      },
      'gateway:stop': async () => {
        await stop();
        return null;
      },
    },
    retire: (id) => gateway?.retire(id),
    close: stop,
  };

  /** One at a time: builds share the processor. A function that cannot be built says so to its first request. */
  async function prestartAll(startMode: AheadMode): Promise<void> {
    for (const { id, name, config } of await options.listProjects()) {
      if (gateway === null || config === null) continue;
      await options
        .prestart(id, startMode)
        .catch((thrown: unknown) => log(`Could not make an instance of ${name} ahead: ${String(thrown)}`));
    }
  }
}

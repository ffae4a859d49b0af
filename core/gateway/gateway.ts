import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Gateway, GatewayFunction, GatewayLimits, GatewayRequest } from '#shared/model/gateway.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { eventOf, readBody, retryAfterOf, sendJson, sendResponse, statusOf } from './http-event.ts';
import { createScaler, type Handled, type Scaler, type ScalerOptions } from './scaler.ts';

/** Loopback only: what is opened to others is deployed. */
const address = '127.0.0.1';

/** A page that rebinds its own domain to 127.0.0.1 sends that domain as Host, and is refused. */
const loopbackHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** Requests under way may finish within this time when the gateway is stopped. */
const drainMs = 2_000;
/** The longest time for a request's headers. */
const headersTimeoutMs = 10_000;
/** The longest time for a whole request, and beyond the function's deadline for a client that does not read its answer. */
const defaultSlowMs = 60_000;
/** Connections beside those whose requests are served or wait: kept ones, and slow ones. */
const spareConnections = 256;

export interface GatewayOptions {
  readonly port: number;
  readonly host?: string | undefined;
  readonly limits: GatewayLimits;
  readonly listProjects: () => Promise<readonly Project[]>;
  /** The most instances that a function can have at once: one where they use an exclusive resource. */
  readonly mostInstances: (project: Project) => number;
  /** Begins to report edits of a project. Never rejects. */
  readonly watchProject: (id: ProjectId) => Promise<void>;
  readonly start: (
    project: ProjectId,
    ...args: Parameters<ScalerOptions['start']>
  ) => ReturnType<ScalerOptions['start']>;
  readonly onChange: () => void;
  readonly onAnswered: (request: GatewayRequest) => void;
  /** Replaces the time for a whole request. Units: ms. */
  readonly slowMs?: number | undefined;
  /** Replaces the most connections at once. */
  readonly maxConnections?: number | undefined;
}

export interface RunningGateway {
  readonly status: () => Promise<Gateway>;
  /** Replaces the instances of a project, whose sources have changed. */
  readonly retire: (id: ProjectId) => void;
  readonly close: () => Promise<void>;
}

/** The outcome of a request, for the line in the log. */
interface Outcome {
  readonly projectId: ProjectId | null;
  readonly status: number;
  readonly handled: Handled | null;
  readonly error: FirstlightError | null;
}

/** Serves open projects by HTTP on loopback. Errors: PORT_IN_USE. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { limits, onChange, slowMs = defaultSlowMs } = options;
  const scalers = new Map<ProjectId, Scaler>();
  const served = new Map<ProjectId, Pick<GatewayFunction, 'requests' | 'lastColdStart'>>();
  const servedOf = (id: ProjectId) => served.get(id) ?? { requests: 0, lastColdStart: null };

  const concurrencyOf = (project: Project) => Math.min(limits.concurrency, options.mostInstances(project));

  function scalerOf(project: Project): Scaler {
    const found = scalers.get(project.id);
    if (found !== undefined) return found;
    const scaler = createScaler({
      limits: { ...limits, concurrency: concurrencyOf(project) },
      start: (event, signal) => options.start(project.id, event, signal),
      onChange,
    });
    scalers.set(project.id, scaler);
    void options.watchProject(project.id);
    return scaler;
  }

  /** The open project with a name. Errors: NOT_FOUND; ALREADY_EXISTS for two of one name; PROJECT_INVALID. */
  async function find(name: string): Promise<Project> {
    const projects = await options.listProjects();
    const found = projects.filter((project) => project.name === name);
    const [project] = found;
    if (project === undefined) {
      throw new FirstlightError('NOT_FOUND', `No function "${name}" is open.`, {
        hint:
          projects.length === 0
            ? 'None is open. Open one with: firstlight projects'
            : `There are: ${namesOf(projects)}`,
      });
    }
    if (found.length > 1) {
      throw new FirstlightError('ALREADY_EXISTS', `Two open functions are named "${name}".`, {
        hint: `Rename or close one of ${found.map(({ dir }) => dir).join(', ')}.`,
      });
    }
    if (project.config === null) {
      const [problem] = project.problems;
      throw new FirstlightError(
        'PROJECT_INVALID',
        `firstlight.json of "${name}" is not valid. ${problem?.message ?? ''}`,
      );
    }
    return project;
  }

  async function answer(request: IncomingMessage, response: ServerResponse, name: string, target: string) {
    const left = new AbortController();
    response.once('close', () => left.abort());
    const deadline = AbortSignal.timeout(limits.deadlineMs);
    let projectId: ProjectId | null = null;
    try {
      const project = await find(name);
      projectId = project.id;
      const event = eventOf(request, target, await readBody(request));
      const handled = await scalerOf(project).handle(event, { deadline, left: left.signal });
      if (handled.answer instanceof FirstlightError) throw new Failed(handled.answer, handled);
      const run = handled.runId;
      sendResponse(response, handled.answer, {
        'firstlight-start': run === null ? 'warm' : limits.startMode,
        ...(run !== null && { 'firstlight-run': run }),
      });
      return { projectId, status: handled.answer.status, handled, error: null };
    } catch (thrown) {
      const { error, handled } =
        thrown instanceof Failed ? thrown : { error: toFirstlightError(thrown), handled: null };
      const cause = deadline.aborted && error.code === 'CANCELLED' ? tooLate(limits) : error;
      return { ...refuse(response, cause, handled), projectId };
    }
  }

  function refuse(response: ServerResponse, error: FirstlightError, handled: Handled | null): Outcome {
    const status = ownStatus[error.code] ?? statusOf(error);
    if (response.headersSent) response.destroy();
    else {
      const { message, code, hint } = error;
      const run = handled?.runId ?? null;
      sendJson(
        response,
        status,
        { error: message, code, ...(hint !== undefined && { hint }) },
        {
          ...retryAfterOf(status),
          // What is left of a body that was too long is not read.
          ...(code === 'BAD_INPUT' && { connection: 'close' }),
          ...(run !== null && { 'firstlight-run': run }),
        },
      );
    }
    return { projectId: null, status, handled, error };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = new Date().toISOString();
    const arrivedAt = performance.now();
    const { url = '/', method = 'GET' } = request;
    const named = /^\/function\/([^/?]+)(\/[^?]*)?(\?.*)?$/.exec(url);
    const [, name = '', path = '/', query = ''] = named ?? [];
    const report = ({ projectId, status, handled, error }: Outcome) => {
      const answered: GatewayRequest = {
        at,
        functionName: name,
        projectId,
        method,
        path: named === null ? url : `${path}${query}`,
        status,
        durationMs: performance.now() - arrivedAt,
        waitedMs: handled?.waitedMs ?? 0,
        runId: handled?.runId ?? null,
        error: error?.message ?? null,
      };
      if (projectId !== null) {
        const { requests, lastColdStart } = servedOf(projectId);
        const { runId, durationMs } = answered;
        served.set(projectId, {
          requests: requests + 1,
          lastColdStart: runId === null ? lastColdStart : { at, runId, durationMs },
        });
        onChange();
      }
      options.onAnswered(answered);
    };
    if (!loopbackHost.test(request.headers.host ?? '')) {
      const error = new FirstlightError('BAD_INPUT', 'The gateway answers to loopback names only.');
      sendJson(response, 421, { error: error.message });
      return report({ projectId: null, status: 421, handled: null, error });
    }
    if (named !== null) return report(await answer(request, response, name, `${path}${query}`));
    if (url === '/') {
      sendJson(response, 200, { functions: (await status()).functions });
      return report({ projectId: null, status: 200, handled: null, error: null });
    }
    const projects = await options.listProjects();
    report(
      refuse(
        response,
        new FirstlightError('NOT_FOUND', `Nothing is at ${url}.`, {
          hint: `Functions are at /function/<name>: ${namesOf(projects)}`,
        }),
        null,
      ),
    );
  }

  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeoutMs, slowMs),
      requestTimeout: slowMs,
      // Node.js looks every 30 s.
      connectionsCheckingInterval: Math.min(headersTimeoutMs, slowMs) / 2,
    },
    (request, response) => {
      serve(request, response).catch((thrown: unknown) => refuse(response, toFirstlightError(thrown), null));
    },
  );
  server.timeout = limits.deadlineMs + slowMs;
  server.maxConnections = options.maxConnections ?? limits.queue + limits.concurrency + spareConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(asPortError(cause, options.port)));
    server.listen(options.port, address, resolve);
  });
  const origin = `http://${address}:${(server.address() as AddressInfo).port}`;

  async function status(): Promise<Gateway> {
    const projects = await options.listProjects();
    const functions: GatewayFunction[] = projects.map((project) => ({
      name: project.name,
      projectId: project.id,
      url: `${origin}/function/${project.name}`,
      ...(scalers.get(project.id)?.counts() ?? { instances: 0, instanceIds: [], busy: 0, waiting: 0 }),
      concurrency: concurrencyOf(project),
      ...servedOf(project.id),
    }));
    return { url: origin, ...(options.host !== undefined && { host: options.host }), limits, functions };
  }

  return {
    status,
    retire: (id) => scalers.get(id)?.retire(),
    close: async () => {
      server.close();
      await Promise.all([...scalers.values()].map((scaler) => scaler.close(drainMs)));
      server.closeAllConnections();
    },
  };
}

/** The failure of a request that was served. */
class Failed extends Error {
  readonly error: FirstlightError;
  readonly handled: Handled;

  constructor(error: FirstlightError, handled: Handled) {
    super(error.message);
    this.error = error;
    this.handled = handled;
  }
}

/** The statuses of what is wrong with the request itself. */
const ownStatus: Readonly<Record<string, number>> = { NOT_FOUND: 404, ALREADY_EXISTS: 409, BAD_INPUT: 413 };

const namesOf = (projects: readonly Project[]) => projects.map(({ name }) => name).join(', ');

const tooLate = ({ deadlineMs }: GatewayLimits) =>
  new FirstlightError('FUNCTION_TIMEOUT', `There was no answer within ${deadlineMs} ms.`, {
    hint: 'The time includes waiting and the cold start. Raise the gateway’s deadline: --deadline.',
  });

function asPortError(cause: NodeJS.ErrnoException, port: number): FirstlightError {
  if (cause.code === 'EADDRINUSE') {
    return new FirstlightError('PORT_IN_USE', `Port ${port} of ${address} is in use.`, {
      hint: 'Name another port, or none for a free one: --port.',
      cause,
    });
  }
  return new FirstlightError('BAD_INPUT', `The gateway cannot listen on port ${port}: ${cause.message}.`, { cause });
}

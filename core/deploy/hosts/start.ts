/** Starts instances on hosts, and calls them: by their endpoint where they have one, else through libvirt. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Domain } from 'node-libvirt';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestSession } from '#core/runtime/session.ts';
import { libvirtMachine } from '#core/vmm/libvirt/libvirt-machine.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { Response } from '#shared/model/run.ts';
import { callEndpoint, dialerOf, type EndpointRequest, endpointOf } from './endpoint.ts';
import type { TargetHost } from './fleet.ts';
import { readForwards } from './forwards.ts';
import type { DeployedRecord } from './record.ts';

type Answer = CallOutput<'deploy:invoke'>;

/** An emulated guest boots within seconds, also on a busy host. Units: ms. */
const bootTimeoutMs = 60_000;
/** One client at a time has an instance's channel: others wait this long for it. Units: ms. */
const channelWaitMs = 30_000;
const channelPollMs = 50;

/** The request that shows that an instance answers. */
export const healthRequest: EndpointRequest = { method: 'GET', path: '/', body: null };

/** An instance, as far as it is started and called. */
export interface Called {
  readonly host: TargetHost;
  readonly domain: Domain;
  readonly record: DeployedRecord;
}

/** A running instance, with the port that it listens on in its record: before it has its endpoint, that is another one. */
export async function listening(called: Called): Promise<Called> {
  const { host, domain, record } = called;
  if (record.guestPort === 0) return called;
  const { ports } = await readForwards(called);
  const [port = record.port] = ports.includes(record.port) ? [] : ports;
  return { host, domain, record: { ...record, port } };
}

/**
 * Boots a defined domain, and calls its function once. Errors: BOOT_TIMEOUT; PORT_IN_USE, when nothing of it has been
 * started; LIBVIRT_*; as `callInstance`.
 */
export async function startInstance(
  { host, domain, record }: Called,
  runtimes: ReadonlyMap<RuntimeId, Runtime>,
  signal: AbortSignal,
): Promise<Answer> {
  if (record.channel === '') {
    await withLibvirtErrors(`start ${domain.name}`, () => domain.create());
    return await untilAnswer(await listening({ host, domain, record }), signal);
  }
  const started = await withLibvirtErrors(`start ${domain.name}`, () => domain.create({ paused: true }));
  const session = await openSession(started, record, runtimes, { isFresh: true, signal });
  try {
    await libvirtMachine(started, true).resume().doneNs;
    await untilReady(session, domain.name, signal);
    return (
      (await callByNetwork(await listening({ host, domain, record }), healthRequest, signal)) ??
      (await invoke(session, domain.name, eventOf(healthRequest), record.timeoutMs, signal))
    );
  } finally {
    session.close();
  }
}

/**
 * The answer of an instance that runs, and is in service, but for a test of it. Errors: CONFLICT while others keep it busy; INSTANCE_LOST, when
 * nothing was sent; FUNCTION_TIMEOUT; GUEST_PANICKED, CHANNEL_BROKEN; LIBVIRT_*.
 */
export async function callInstance(
  called: Called,
  runtimes: ReadonlyMap<RuntimeId, Runtime>,
  request: EndpointRequest,
  { signal, isTest = false }: { readonly signal: AbortSignal; readonly isTest?: boolean },
): Promise<Answer> {
  const answer = await callByNetwork(called, request, signal);
  if (answer !== null) return answer;
  const { domain, record } = called;
  if (record.channel === '') throw onlyThere(called);
  const session = await openSession(domain, record, runtimes, { isFresh: false, signal });
  try {
    if (!isTest && !(await withLibvirtErrors(`look at ${domain.name}`, () => domain.autostart()))) {
      throw new FirstlightError('INSTANCE_LOST', `${domain.name} has been replaced.`);
    }
    return await invoke(session, domain.name, eventOf(request), record.timeoutMs, signal);
  } finally {
    session.close();
  }
}

/** The first request of a guest that does not say when it is up waits so long for its answer, later ones longer. Units: ms. */
const firstTryMs = 2_000;
const pollMs = 200;

/**
 * The first answer of a guest that has only its endpoint. QEMU takes connections there before the guest does.
 *
 * Errors: BOOT_TIMEOUT; BOOT_FAILED; CANCELLED; LIBVIRT_*.
 */
async function untilAnswer(called: Called, signal: AbortSignal): Promise<Answer> {
  const { host, domain, record } = called;
  const dial = dialerOf(host, record);
  if (dial === null) throw onlyThere(called);
  const where = whereOf(called);
  let last: FirstlightError | null = null;
  const end = Date.now() + bootTimeoutMs;
  for (let tryMs = firstTryMs; Date.now() < end; tryMs *= 2) {
    const { state, reason } = await withLibvirtErrors(`look at ${domain.name}`, () => domain.state());
    if (state === 'shutoff' || state === 'crashed') {
      throw new FirstlightError('BOOT_FAILED', `${domain.name} ended before it was up: ${state}, ${reason}.`);
    }
    const timeoutMs = Math.min(tryMs, Math.max(firstTryMs, end - Date.now()));
    try {
      return await callEndpoint(dial, where, healthRequest, { timeoutMs, signal });
    } catch (thrown) {
      last = toFirstlightError(thrown);
      if (last.code === 'CANCELLED') throw last;
    }
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
  throw new FirstlightError('BOOT_TIMEOUT', `${where} did not answer within ${bootTimeoutMs / 1000} s.`, {
    ...(last !== null && { hint: last.message, cause: last }),
  });
}

const onlyThere = ({ host, domain }: Called) =>
  new FirstlightError(
    'LIBVIRT_FAILED',
    `${domain.name} cannot be called from here: its endpoint is for ${host.label} only.`,
    {
      hint: 'Name the host by qemu+ssh, or add the target with --listen.',
      details: { subject: host.label },
    },
  );

const whereOf = ({ host, domain, record }: Called) => `${domain.name} at ${endpointOf(host, record)} on ${host.label}`;

/** The answer of the endpoint; null for an instance that has none, or none that can be reached from here. */
async function callByNetwork(called: Called, request: EndpointRequest, signal: AbortSignal): Promise<Answer | null> {
  const { host, record } = called;
  const dial = dialerOf(host, record);
  if (dial === null) return null;
  return await callEndpoint(dial, whereOf(called), request, { timeoutMs: record.timeoutMs + waitInLineMs, signal });
}

/** A request waits while its instance serves others, and is sent by way of SSH. Units: ms. */
const waitInLineMs = 30_000;

/** A request as the endpoint of a deployed function has it. */
function eventOf({ method, path: target, body }: EndpointRequest): Json {
  const { pathname, searchParams } = new URL(`http://function${target}`);
  return { method, path: pathname, query: Object.fromEntries(searchParams), headers: {}, body: bodyOf(body) };
}

function bodyOf(text: string | null): Json {
  if (text === null || text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    // Any other text is a body too.
    return text;
  }
}

/** A session with an instance, whose channel is then taken. Errors: CONFLICT while others have it; INSTANCE_LOST; LIBVIRT_*. */
export async function openSession(
  domain: Domain,
  record: DeployedRecord,
  runtimes: ReadonlyMap<RuntimeId, Runtime>,
  { isFresh, signal }: { readonly isFresh: boolean; readonly signal: AbortSignal },
): Promise<GuestSession> {
  const runtime = runtimes.get(record.runtime);
  if (runtime === undefined) {
    throw new FirstlightError('BAD_INPUT', `${domain.name} runs on ${record.runtime}, which this Firstlight lacks.`, {
      hint: 'Use the version that deployed it, or deploy it again.',
    });
  }
  return await runtime.openSession({
    sessionInfo: null,
    fresh: isFresh,
    servesHttp: record.guestPort > 0,
    openChannel: (name) => openChannel(domain, name, signal),
    onSerial: () => () => undefined,
    ended: new Promise(() => undefined),
  });
}

async function openChannel(domain: Domain, name: string, signal: AbortSignal) {
  const machine = libvirtMachine(domain, true);
  for (
    const end = Date.now() + channelWaitMs;
    ;
    await sleep(channelPollMs, undefined, { signal }).catch(() => undefined)
  ) {
    if (signal.aborted) throw cancelled();
    try {
      return await machine.openChannel(name);
    } catch (thrown) {
      const isBusy = toFirstlightError(thrown).code === 'CONFLICT';
      if (!isBusy && (await domain.state()).state === 'shutoff') {
        throw new FirstlightError('INSTANCE_LOST', `${domain.name} has ended.`, { cause: thrown });
      }
      if (!isBusy || Date.now() > end) throw thrown;
    }
  }
}

const cancelled = () => new FirstlightError('CANCELLED', 'The call was cancelled.');

async function untilReady(session: GuestSession, name: string, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stop = AbortSignal.any([over.signal, signal]);
  const late = sleep(bootTimeoutMs, 'late', { signal: stop }).catch(() => 'cancelled');
  const ended = session.closed.then((reason) => reason ?? 'ended');
  try {
    const first = await Promise.race([session.ready.then(() => null), late, ended]);
    if (first === null) return;
    if (first instanceof FirstlightError) throw first;
    if (first === 'cancelled') throw cancelled();
    throw new FirstlightError(
      first === 'late' ? 'BOOT_TIMEOUT' : 'BOOT_FAILED',
      first === 'late' ? `${name} was not up within ${bootTimeoutMs / 1000} s.` : `${name} ended before it was up.`,
    );
  } finally {
    over.abort();
  }
}

async function invoke(
  session: GuestSession,
  name: string,
  event: Json,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const { outcome } = await session.invoke({ event, timeoutMs, signal });
  if (outcome.ok) return toAnswer(outcome.response);
  const { error, fatal } = outcome;
  if (error.code === 'CANCELLED') throw error;
  // A function that throws has answered: with that. One that was stopped at its time limit has not.
  if (!fatal && error.code !== 'FUNCTION_TIMEOUT')
    return { status: 500, contentType: 'text/plain', body: error.message };
  throw new FirstlightError(error.code, `${name} does not answer: ${error.message}`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    cause: error,
  });
}

function toAnswer({ status, headers, body }: Response): Answer {
  const contentType = headers['content-type'] ?? (body.kind === 'json' ? 'application/json' : '');
  if (body.kind === 'bytes') return { status, contentType, body: Buffer.from(body.base64, 'base64').toString('utf8') };
  return { status, contentType, body: body.kind === 'json' ? JSON.stringify(body.value) : body.value };
}

/** Starts instances on hosts, and calls them through libvirt: no network leads to them. */
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
import type { DeployedRecord } from './record.ts';

type Answer = CallOutput<'deploy:invoke'>;

/** An emulated guest boots within seconds, also on a busy host. Units: ms. */
const bootTimeoutMs = 60_000;
/** One client at a time has an instance's channel: others wait this long for it. Units: ms. */
const channelWaitMs = 30_000;
const channelPollMs = 50;

/** The request that shows that an instance answers. */
export const healthEvent: Json = { method: 'GET', path: '/', query: {}, headers: {}, body: null };

/** Boots a defined domain, and calls its function once. Errors: BOOT_TIMEOUT; LIBVIRT_*; as `callInstance`. */
export async function startInstance(
  domain: Domain,
  record: DeployedRecord,
  runtimes: ReadonlyMap<RuntimeId, Runtime>,
  signal: AbortSignal,
): Promise<Answer> {
  const started = await withLibvirtErrors(`start ${domain.name}`, () => domain.create({ paused: true }));
  const session = await openSession(started, record, runtimes, { isFresh: true, signal });
  try {
    await libvirtMachine(started, true).resume().doneNs;
    await untilReady(session, domain.name, signal);
    return await invoke(session, domain.name, healthEvent, record.timeoutMs, signal);
  } finally {
    session.close();
  }
}

/** The answer of an instance that runs. Errors: CONFLICT while others keep it busy; GUEST_PANICKED, CHANNEL_BROKEN; LIBVIRT_*. */
export async function callInstance(
  domain: Domain,
  record: DeployedRecord,
  runtimes: ReadonlyMap<RuntimeId, Runtime>,
  event: Json,
  signal: AbortSignal,
): Promise<Answer> {
  const session = await openSession(domain, record, runtimes, { isFresh: false, signal });
  try {
    return await invoke(session, domain.name, event, record.timeoutMs, signal);
  } finally {
    session.close();
  }
}

/** Settles when no request is in an instance, or after a while: then it may be ended. */
export async function drainInstance(domain: Domain, { channel }: DeployedRecord, signal: AbortSignal): Promise<void> {
  try {
    const stream = await openChannel(domain, channel, signal);
    stream.on('error', () => undefined).destroy();
  } catch (thrown) {
    const { code } = toFirstlightError(thrown);
    if (code === 'CANCELLED') throw thrown;
    // It does not run any more, or serves a request that never ends: either way it is ended next.
  }
}

async function openSession(
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
      if (toFirstlightError(thrown).code !== 'CONFLICT' || Date.now() > end) throw thrown;
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

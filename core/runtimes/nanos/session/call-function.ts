import { randomInt } from 'node:crypto';
import type { ClockSample, GuestMark, GuestSeen, InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Body, Response } from '#shared/model/run.ts';
import { bytes } from '#shared/model/units.ts';
import { type Caller, type CallerContext, goneAsError, refuse, tooLate } from './caller.ts';
import type { WireAnswer, WireErrorCode, WireMark } from './wire.ts';
import { connectWire, type Heard, type WireClient } from './wire-client.ts';

/** The guest ends a wait at its deadline by itself; one that computes without end does not answer this much later either. */
const graceMs = 3_000;
const pingTimeoutMs = 1_000;
/** As on Ember. */
const maxEventBytes = 16 * 1024 * 1024;

/** Calls a function by the protocol of `wire.ts`. */
export function createFunctionCaller({ info, link, watch, host }: CallerContext): Caller {
  const ready = link.fresh ? upAndReachable() : Promise.resolve();
  let client: Promise<WireClient> | null = null;
  // Not from 1: an answer to an earlier owner's request must not be taken for an answer to ours.
  let nextId = randomInt(1, 2 ** 31);
  /** The guest's messages about the call under way, for a call that ends without an answer. */
  let seen: GuestSeen = { marks: [], received: [], guestClock: 'guest-monotonic' };

  /** The function may listen before its kernel has got an address. */
  async function upAndReachable(): Promise<void> {
    await watch.listening;
    if (info.host === null) await watch.address;
  }

  /** One connection for all requests; a new one when it has broken. */
  function connection(): Promise<WireClient> {
    const connect = async () => await connectWire(await host(), info.port);
    client = client === null ? connect() : client.then((there) => (there.isOpen() ? there : connect()), connect);
    return client;
  }

  async function ask(event: Json, deadlineMs: number): Promise<Heard> {
    const wire = await connection();
    return await wire.ask({ type: 'invoke', id: nextId++, event, deadlineMs }, (called, atNs) => {
      const received = [...heardListening(called.marks), { ticks: called.sent, atNs }];
      seen = { marks: describe(called.marks), received, guestClock: 'guest-monotonic' };
    });
  }

  async function call(request: InvocationRequest): Promise<Omit<InvocationResult, 'hostMarks'>> {
    const { event, timeoutMs, isDebugged } = request;
    const over = new AbortController();
    const gone = goneAsError(link.ended);
    gone.catch(() => undefined);
    try {
      await Promise.race([ready, gone]);
      const eventBytes = Buffer.byteLength(JSON.stringify(event));
      if (eventBytes > maxEventBytes) return refuse(tooLong(eventBytes));
      const sentAtNs = hostNow();
      const message = `The function did not answer within ${timeoutMs} ms, and did not stop when its time was over.`;
      const { answer, atNs } = await Promise.race([
        ask(event, timeoutMs),
        tooLate(isDebugged ? null : timeoutMs + graceMs, message, over.signal),
        gone,
      ]);
      return {
        ...read(answer),
        sentAtNs,
        receivedAtNs: atNs,
        received: [...seen.received, { ticks: answer.sent, atNs }],
        guestClock: 'guest-monotonic',
      };
    } finally {
      over.abort();
    }
  }

  /** The ready marker on the console counts as a message: the guest wrote it at its own `listening` mark or later. */
  function heardListening(marks: readonly WireMark[]): InvocationResult['received'] {
    const marker = watch.marks().find(({ name }) => name === 'listening.seen');
    const [, ticks] = marks.find(([name]) => name === 'listening') ?? [];
    return marker === undefined || ticks === undefined ? [] : [{ ticks, atNs: marker.atNs }];
  }

  async function ping(): Promise<ClockSample> {
    const over = new AbortController();
    try {
      const wire = await connection();
      const hostSentNs = hostNow();
      const { answer, atNs } = await Promise.race([
        wire.ask({ type: 'ping', id: nextId++ }),
        tooLate(pingTimeoutMs, 'The guest did not answer a ping.', over.signal),
      ]);
      const { received, sent } = answer;
      return { hostSentNs, guestReceivedTicks: received, guestSentTicks: sent, hostReceivedNs: atNs };
    } finally {
      over.abort();
    }
  }

  return {
    ready,
    call,
    seen: () => seen,
    sampleClock: async (count) => {
      const samples: ClockSample[] = [];
      for (let i = 0; i < count; i++) samples.push(await ping());
      return samples;
    },
    close: () => void client?.then((open) => open.close()).catch(() => undefined),
  };
}

function read(answer: WireAnswer): Pick<InvocationResult, 'outcome' | 'marks'> {
  switch (answer.type) {
    case 'response':
      return { outcome: { ok: true, response: readResponse(answer) }, marks: describe(answer.marks) };
    case 'error':
      return {
        outcome: { ok: false, fatal: endsGuest.has(answer.code), error: readError(answer) },
        marks: describe(answer.marks),
      };
    case 'pong':
      throw new FirstlightError('CHANNEL_BROKEN', 'The guest answered an invocation as if it were a ping.');
  }
}

function readResponse({ status, headers, kind, body }: Extract<WireAnswer, { type: 'response' }>): Response {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const length = kind === 'bytes' ? Buffer.byteLength(body, 'base64') : Buffer.byteLength(body);
  return {
    status,
    headers: Object.fromEntries(named) as Record<string, string>,
    body: readBody(kind, body),
    bytes: bytes(length),
  };
}

function readBody(kind: Extract<WireAnswer, { type: 'response' }>['kind'], body: string): Body {
  switch (kind) {
    case 'none':
      return { kind: 'text', value: '' };
    case 'text':
      return { kind: 'text', value: body };
    case 'bytes':
      return { kind: 'bytes', base64: body };
    case 'json':
      return { kind: 'json', value: readJson(body) };
  }
}

function readJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    const message = 'The guest sent a body that is not the JSON it claims to be.';
    throw new FirstlightError('CHANNEL_BROKEN', message, { cause });
  }
}

const tooLong = (eventBytes: number) =>
  new FirstlightError('BAD_INPUT', `The event takes ${eventBytes} bytes; a guest accepts ${maxEventBytes}.`, {
    hint: 'Send a smaller event.',
  });

const endsGuest: ReadonlySet<WireErrorCode> = new Set(['FUNCTION_CRASHED', 'EVALUATION_THREW']);

const hints: Partial<Record<WireErrorCode, string>> = {
  FUNCTION_TIMEOUT: 'Is an `await` on an event that never comes? Otherwise raise timeoutMs in firstlight.json.',
  RESPONSE_NOT_SERIALIZABLE:
    'Return JSON, text, bytes, a Response, or { status, headers, body }. Functions, symbols, BigInts and cycles cannot be sent.',
  FUNCTION_CRASHED: 'Catch what callbacks throw, and await every promise. The instance was ended.',
  EXPORT_MISSING: 'Write `export default function handler(event) { … }`.',
};

/** Shape: `details.stack` is the guest's own, still in lines of the bundle. */
const readError = ({ code, message, stack }: Extract<WireAnswer, { type: 'error' }>) =>
  new FirstlightError(code, message, { hint: hints[code], details: stack === '' ? {} : { stack } });

const meanings: Readonly<Record<string, Pick<GuestMark, 'label' | 'opens'>>> = {
  'node.started': { label: 'Node.js began', opens: 'runtime' },
  'function.loading': { label: 'Node.js is up; loading the function', opens: 'function' },
  'function.loaded': { label: 'function loaded', opens: null },
  listening: { label: 'listening', opens: null },
  'handler.called': { label: 'handler called', opens: 'handler' },
  'handler.returned': { label: 'handler returned', opens: 'respond' },
};

const describe = (marks: readonly WireMark[]): GuestMark[] =>
  marks.map(([name, ticks]) => ({ name, ticks, ...(meanings[name] ?? { label: name, opens: null }) }));

import { randomInt } from 'node:crypto';
import type { ClockSample, GuestMark, InvocationRequest, InvocationResult } from '#core/runtimes/runtime.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Body, Response } from '#shared/model/run.ts';
import { bytes } from '#shared/model/units.ts';
import { type Caller, type CallerContext, goneAsError, now, tooLate } from './nanos-session.ts';
import type { WireAnswer, WireErrorCode, WireMark } from './wire.ts';
import { connectWire, type WireClient } from './wire-client.ts';

/** The guest ends a wait at its deadline by itself; one that computes without end does not answer this much later either. */
const graceMs = 3_000;
const pingTimeoutMs = 1_000;

/** Calls a function by the protocol of `wire.ts`. */
export function createFunctionCaller({ info, link, watch, host }: CallerContext): Caller {
  const ready = link.fresh ? watch.listening : Promise.resolve();
  let client: Promise<WireClient> | null = null;
  // Not from 1: an answer to an earlier owner's request must not be taken for one to ours.
  let nextId = randomInt(1, 2 ** 31);

  async function connection(): Promise<WireClient> {
    const there = await client?.catch(() => null);
    if (there?.isOpen()) return there;
    client = host().then((address) => connectWire(address, info.port));
    return await client;
  }

  async function call(request: InvocationRequest): Promise<Omit<InvocationResult, 'hostMarks'>> {
    const over = new AbortController();
    const gone = goneAsError(link.ended);
    gone.catch(() => undefined);
    try {
      await Promise.race([ready, gone]);
      const sentAtNs = now();
      const { timeoutMs } = request;
      const message = `The function did not answer within ${timeoutMs} ms, and did not stop when its time was over.`;
      const wire = await Promise.race([connection(), gone]);
      const { answer, atNs } = await Promise.race([
        wire.ask({ type: 'invoke', id: nextId++, event: request.event, deadlineMs: timeoutMs }),
        tooLate(timeoutMs + graceMs, message, over.signal),
        gone,
      ]);
      return {
        ...read(answer),
        sentAtNs,
        receivedAtNs: atNs,
        received: [{ ticks: answer.sent, atNs }],
        guestClock: 'guest-monotonic',
      };
    } finally {
      over.abort();
    }
  }

  async function ping(): Promise<ClockSample> {
    const over = new AbortController();
    try {
      const wire = await connection();
      const hostSentNs = now();
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
      return { outcome: { ok: false, fatal: false, error: readError(answer) }, marks: describe(answer.marks) };
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
      return { kind: 'json', value: JSON.parse(body) as Json };
  }
}

const hints: Partial<Record<WireErrorCode, string>> = {
  FUNCTION_TIMEOUT: 'Is an `await` on an event that never comes? Otherwise raise timeoutMs in firstlight.json.',
  FUNCTION_UNSENDABLE:
    'Return JSON, text, bytes, a Response, or { status, headers, body }. Functions, symbols, BigInts and cycles cannot be sent.',
  EXPORT_MISSING: 'Write `export default function handler(event) { … }`.',
};

/** Shape: `details.stack` is the guest's own, still in lines of the bundle. */
const readError = ({ code, message, stack }: Extract<WireAnswer, { type: 'error' }>) =>
  new FirstlightError(code, message, { hint: hints[code], details: stack === '' ? {} : { stack } });

const words: Readonly<Record<string, Pick<GuestMark, 'label' | 'opens'>>> = {
  'node.started': { label: 'Node.js began', opens: 'runtime' },
  'function.loading': { label: 'Node.js is up; loading the function', opens: 'function' },
  'function.loaded': { label: 'function loaded', opens: null },
  listening: { label: 'listening', opens: null },
};

const describe = (marks: readonly WireMark[]): GuestMark[] =>
  marks.map(([name, ticks]) => ({ name, ticks, ...(words[name] ?? { label: name, opens: null }) }));

/** Calls the function, and makes an answer of any outcome, by the same code as Ember's. */
import { isUtf8 } from 'node:buffer';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import dispatchSource from '#core/runtime/function/dispatch.prelude.js';
import type { WireAnswer, WireBodyKind, WireErrorCode } from '../session/wire.ts';

/** An answer without the connection's additions. */
export type Outcome =
  | Pick<Extract<WireAnswer, { type: 'response' }>, 'type' | 'status' | 'headers' | 'kind' | 'body'>
  | Pick<Extract<WireAnswer, { type: 'error' }>, 'type' | 'code' | 'message' | 'stack'>;

/** The outcome of a call. Units: `returnedAt` in ticks, when the handler gave its result or error; absent: never. */
export interface Result {
  readonly outcome: Outcome;
  readonly returnedAt?: number | undefined;
}

/** Never rejects. */
export type Handler = (event: unknown) => Promise<Result>;

export interface HandlerOptions {
  readonly functionName: string;
  /** The path of the function's code here. */
  readonly bundlePath: string;
  /** The guest's own clock. */
  readonly ticks: () => number;
}

type Body = string | ArrayBufferLike;
interface Dispatch {
  readonly invoke: (event: unknown) => unknown;
  /** JSON text to answer with; undefined when it has answered by itself; or a promise of another value to finish with. */
  readonly finish: (value: unknown) => unknown;
  readonly report: (error: unknown, suggested: number) => void;
  readonly setHandler: (value: unknown, name: string, runtime: string) => string;
}
interface DispatchHost {
  readonly respond: (status: number, headers: string, kind: number, body: Body, offset: number, length: number) => void;
  readonly fail: (code: number, name: string, message: string, stack: string) => void;
}

const kinds: readonly WireBodyKind[] = ['none', 'json', 'text', 'bytes'];
const unsendable = 5;
/** The same limit as on Ember. */
const maxBodyBytes = 16 * 1024 * 1024;

/** The function, in a form that always answers. */
export function createHandler(exported: unknown, { functionName, bundlePath, ticks }: HandlerOptions): Handler {
  let outcome: Outcome | null = null;
  const host: DispatchHost = {
    respond: (status, headers, kind, body, offset, length) => {
      const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : length;
      if (bodyBytes > maxBodyBytes) {
        outcome = tooLong(bodyBytes);
        return;
      }
      outcome = {
        type: 'response',
        status,
        headers: JSON.parse(headers) as Record<string, string>,
        kind: kinds[kind] ?? 'none',
        body: typeof body === 'string' ? body : Buffer.from(body as ArrayBuffer, offset, length).toString('base64'),
      };
    },
    fail: (code, name, message, stack) => {
      const wireCode = code === unsendable ? 'RESPONSE_NOT_SERIALIZABLE' : 'FUNCTION_THREW';
      outcome = failure(wireCode, name, message, inBundle(stack, bundlePath));
    },
  };
  type MakeDispatch = (host: DispatchHost, timers: { readonly run: null; readonly clear: null }) => Dispatch;
  const dispatch = (runInThisContext(dispatchSource) as MakeDispatch)(host, { run: null, clear: null });
  const wrong = dispatch.setHandler(exported, functionName, 'nanos');
  const take = (): Outcome => {
    const taken = outcome ?? failure('RESPONSE_NOT_SERIALIZABLE', '', 'The handler gave nothing that can be sent.', '');
    outcome = null;
    return taken;
  };

  return async (event) => {
    if (wrong !== '') {
      return { outcome: failure('EXPORT_MISSING', '', `The default export is ${wrong}, not a function.`, '') };
    }
    let returnedAt: number | undefined;
    try {
      const settled = await dispatch.invoke(event);
      returnedAt = ticks();
      let value = await asPlain(settled);
      // A value with `then` was awaited already: `finish` gives a promise only for a value that became one.
      for (value = dispatch.finish(value); value instanceof Promise; ) value = dispatch.finish(await asPlain(value));
      if (typeof value === 'string') return { outcome: jsonResponse(value), returnedAt };
    } catch (thrown) {
      returnedAt ??= ticks();
      dispatch.report(thrown, 0);
    }
    return { outcome: take(), returnedAt };
  };
}

function jsonResponse(text: string): Outcome {
  const bodyBytes = Buffer.byteLength(text);
  if (bodyBytes > maxBodyBytes) return tooLong(bodyBytes);
  return { type: 'response', status: 200, headers: { 'content-type': 'application/json' }, kind: 'json', body: text };
}

const text =
  /^(?:text\/|application\/(?:json|xml|javascript|x-www-form-urlencoded)\b|[\w-]+\/[\w.-]+\+(?:json|xml)\b)/i;

/** A web `Response` as a plain object; anything else unchanged. */
async function asPlain(given: unknown): Promise<unknown> {
  const value = await given;
  // Looked up only then: naming the global would load Node's fetch.
  if (Object.prototype.toString.call(value) !== '[object Response]' || !(value instanceof Response)) return value;
  const { status, headers } = value;
  if (value.body === null) return { status, headers, body: null };
  const bytes = Buffer.from(await value.arrayBuffer());
  // The original content of a Response cannot be queried.
  const isText = text.test(headers.get('content-type') ?? '') && isUtf8(bytes);
  return { status, headers, body: isText ? bytes.toString('utf8') : bytes };
}

const tooLong = (bodyBytes: number) =>
  failure(
    'RESPONSE_NOT_SERIALIZABLE',
    '',
    `The response has ${bodyBytes} bytes; at most ${maxBodyBytes} can be sent.`,
    '',
  );

/** A stack in the host's form: the bundle by its bare name, and awaited calls as calls. */
export function inBundle(stack: string, bundlePath: string): string {
  return stack
    .replaceAll(pathToFileURL(bundlePath).href, 'bundle.js')
    .replaceAll(bundlePath, 'bundle.js')
    .replaceAll(/^(\s+at )async /gm, '$1');
}

export function failure(code: WireErrorCode, name: string, message: string, stack: string): Outcome {
  return { type: 'error', code, message: name === '' ? message : `${name}: ${message}`, stack };
}

/** Calls the function, and makes an answer of whatever comes of it: by the same code as Ember's. */
import { runInThisContext } from 'node:vm';
import dispatchSource from '../../ember/prelude/dispatch.prelude.js';
import type { WireAnswer, WireBodyKind, WireErrorCode } from '../session/wire.ts';

/** An answer without what the connection adds to it. */
export type Outcome =
  | Pick<Extract<WireAnswer, { type: 'response' }>, 'type' | 'status' | 'headers' | 'kind' | 'body'>
  | Pick<Extract<WireAnswer, { type: 'error' }>, 'type' | 'code' | 'message' | 'stack'>;

export type Handler = (event: unknown) => Promise<Outcome>;

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

/** The function as something that always answers. */
export function createHandler(exported: unknown, functionName: string): Handler {
  let outcome: Outcome | null = null;
  const host: DispatchHost = {
    respond: (status, headers, kind, body, offset, length) => {
      outcome = {
        type: 'response',
        status,
        headers: JSON.parse(headers) as Record<string, string>,
        kind: kinds[kind] ?? 'none',
        body: typeof body === 'string' ? body : Buffer.from(body as ArrayBuffer, offset, length).toString('base64'),
      };
    },
    fail: (code, name, message, stack) => {
      outcome = failure(code === unsendable ? 'FUNCTION_UNSENDABLE' : 'FUNCTION_THREW', name, message, stack);
    },
  };
  type MakeDispatch = (host: DispatchHost, timers: { readonly run: null; readonly clear: null }) => Dispatch;
  const dispatch = (runInThisContext(dispatchSource) as MakeDispatch)(host, { run: null, clear: null });
  const wrong = dispatch.setHandler(exported, functionName, 'nanos');
  const take = (): Outcome => {
    const taken = outcome ?? failure('FUNCTION_UNSENDABLE', '', 'The handler gave nothing that can be sent.', '');
    outcome = null;
    return taken;
  };

  return async (event) => {
    if (wrong !== '') return failure('EXPORT_MISSING', '', `The default export is ${wrong}, not a function.`, '');
    try {
      let value = await asPlain(dispatch.invoke(event));
      // What has a `then` was awaited already: `finish` gives a promise only for what turned into one.
      for (value = dispatch.finish(value); value instanceof Promise; ) value = dispatch.finish(await asPlain(value));
      if (typeof value === 'string') {
        const headers = { 'content-type': 'application/json' };
        return { type: 'response', status: 200, headers, kind: 'json', body: value };
      }
    } catch (thrown) {
      dispatch.report(thrown, 0);
    }
    return take();
  };
}

/** A web `Response` as the plain object that stands for it; anything else as it is. */
async function asPlain(given: unknown): Promise<unknown> {
  const value = await given;
  // Looked up only then: naming the global would load Node's fetch.
  if (value === null || typeof value !== 'object' || value.constructor?.name !== 'Response') return value;
  if (!(value instanceof Response)) return value;
  const bytes = new Uint8Array(await value.arrayBuffer());
  const headers = Object.fromEntries(value.headers);
  const isText = /^(text\/|application\/(json|javascript|xml))/.test(headers['content-type'] ?? '');
  return { status: value.status, headers, body: isText ? Buffer.from(bytes).toString('utf8') : bytes };
}

export function failure(code: WireErrorCode, name: string, message: string, stack: string): Outcome {
  return {
    type: 'error',
    code,
    message: name === '' ? message : `${name}: ${message}`,
    // The host knows the bundle by its bare name.
    stack: stack
      .replaceAll(/(?:file:\/\/)?\/firstlight\/bundle\.[cm]js/g, 'bundle.js')
      .replaceAll('at async bundle', 'at bundle'),
  };
}

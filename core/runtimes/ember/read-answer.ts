import type { InvocationResult } from '#core/runtime/session.ts';
import { type ErrorCode, FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Body, Response } from '#shared/model/run.ts';
import { bytes } from '#shared/model/units.ts';
import type { ErrorFrame, GuestErrorCode, ResponseFrame } from './channel.ts';

const codes: Readonly<Record<GuestErrorCode, { readonly code: ErrorCode; readonly hint?: string }>> = {
  PROTOCOL: { code: 'CHANNEL_BROKEN' },
  FUNCTION_THREW: { code: 'FUNCTION_THREW' },
  TIMEOUT: {
    code: 'FUNCTION_TIMEOUT',
    hint: 'Look for a loop that never ends, or raise timeoutMs in firstlight.json.',
  },
  OUT_OF_MEMORY: {
    code: 'FUNCTION_OUT_OF_MEMORY',
    hint: 'Raise memoryMiB in firstlight.json, or keep less in memory at once.',
  },
  NEVER_SETTLED: {
    code: 'FUNCTION_NEVER_SETTLED',
    hint: 'The handler’s promise waits for something that nothing will ever do. Is an `await` on an event that never comes?',
  },
  UNSENDABLE: {
    code: 'RESPONSE_NOT_SERIALIZABLE',
    hint: 'Return JSON, text, bytes, or { status, headers, body }. Functions, symbols, BigInts and cycles cannot be sent.',
  },
  CRASHED: { code: 'FUNCTION_CRASHED' },
  BAD_EVENT: { code: 'BAD_INPUT', hint: 'The event must be JSON.' },
};

/**
 * The result of an invocation, read from the frame that answered it. Errors: CHANNEL_BROKEN for a body that is not of
 * its declared kind.
 */
export function readAnswer(frame: ResponseFrame | ErrorFrame): InvocationResult['outcome'] {
  return frame.type === 'response' ? { ok: true, response: readResponse(frame) } : readError(frame);
}

function readResponse(frame: ResponseFrame): Response {
  const headers = Object.entries(frame.headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    status: frame.status,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: readBody(frame),
    bytes: bytes(frame.body.length),
  };
}

function readBody({ bodyKind, body }: ResponseFrame): Body {
  switch (bodyKind) {
    case 'none':
      return { kind: 'text', value: '' };
    case 'text':
      return { kind: 'text', value: new TextDecoder().decode(body) };
    case 'bytes':
      return { kind: 'bytes', base64: Buffer.from(body).toString('base64') };
    case 'json':
      try {
        return { kind: 'json', value: JSON.parse(new TextDecoder().decode(body)) as Json };
      } catch (cause) {
        throw new FirstlightError('CHANNEL_BROKEN', 'The guest sent a body that is not the JSON it claims to be.', {
          cause,
        });
      }
  }
}

/** Shape: `details.stack` is the guest's own, still in lines of the bundle. */
function readError(frame: ErrorFrame): InvocationResult['outcome'] {
  const { code, hint } = codes[frame.code];
  const message = frame.name === '' ? frame.message : `${frame.name}: ${frame.message}`;
  return {
    ok: false,
    fatal: frame.fatal,
    error: new FirstlightError(code, message, {
      hint,
      details: frame.stack === '' ? {} : { stack: frame.stack },
    }),
  };
}

/**
 * The protocol of host and guest over Firstlight's own connection: lines of JSON, each way.
 *
 * The host connects, sends `greeting`, then one request per line. The guest answers the requests in order; an answer
 * has the `id` of its request. A `called` notice with the same `id` precedes the answer to an invocation. A side that
 * receives anything else closes the connection. Units: ticks are nanoseconds of the guest's monotonic clock.
 */

/** The first bytes of a connection; no HTTP client begins with them. */
export const greeting = 'FIRSTLIGHT/1\n';
/**
 * Written to the console as soon as the guest listens: two invisible control sequences. One of them ends a link or a
 * title that a function prints; two in a row end nothing.
 */
export const readyMarker = '\u001b\\\u001b\\';

export type WireMark = readonly [name: string, ticks: number];

export type WireRequest =
  | { readonly type: 'invoke'; readonly id: number; readonly event: unknown; readonly deadlineMs: number }
  | { readonly type: 'ping'; readonly id: number }
  /** Variables for `process.env`, and arguments in place of those in `process.argv`, before the first call only. Answered like a ping. */
  | {
      readonly type: 'env';
      readonly id: number;
      readonly env?: Readonly<Record<string, string>>;
      readonly args?: readonly string[];
    };

export type WireBodyKind = 'none' | 'json' | 'text' | 'bytes';

interface Sent {
  readonly id: number;
  /** When the guest had received the request, and when it answered. */
  readonly received: number;
  readonly sent: number;
}

/** Sent right before the handler is called: a handler that never returns is then known to run. */
export interface WireCalled {
  readonly type: 'called';
  readonly id: number;
  readonly sent: number;
  readonly marks: readonly WireMark[];
}

export type WireAnswer =
  | (Sent & {
      readonly type: 'response';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly kind: WireBodyKind;
      /** Text as it is, JSON as its text, bytes in base64. */
      readonly body: string;
      readonly marks: readonly WireMark[];
    })
  | (Sent & {
      readonly type: 'error';
      readonly code: WireErrorCode;
      readonly message: string;
      readonly stack: string;
      readonly marks: readonly WireMark[];
    })
  | (Sent & { readonly type: 'pong' });

/**
 * As the errors of `shared/errors.ts`, without the parts that only the host can know. After FUNCTION_CRASHED and
 * EVALUATION_THREW the guest is of no further use.
 */
export const wireErrorCodes = [
  'FUNCTION_THREW',
  'FUNCTION_TIMEOUT',
  'RESPONSE_NOT_SERIALIZABLE',
  'FUNCTION_CRASHED',
  'EVALUATION_THREW',
  'EXPORT_MISSING',
] as const;
export type WireErrorCode = (typeof wireErrorCodes)[number];

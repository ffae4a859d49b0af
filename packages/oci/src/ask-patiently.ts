/** Asks a registry, or its token service, again while it is busy. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OciError } from './oci-error.ts';

const maxTries = 6;
const firstWaitMs = 500;
/** The longest wait that a server may ask of us; a longer one is an error that says so. Units: ms. */
export const maxWaitMs = 60_000;

/** The wait that a server asks for; null where it names none. Source: RFC 9110, `Retry-After`: seconds or a date. Units: ms. */
export function parseRetryAfter(header: string | null | undefined): number | null {
  if (header === null || header === undefined) return null;
  const text = header.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

interface AnyAnswer {
  readonly status: number;
}

/**
 * The answer of `ask`, which is called again after an answer 429 or 503, as late as that says. `drop` ends such an
 * answer.
 *
 * Errors: `registry-busy` for a last 429, or one that asks for a long wait; the signal's reason; as `ask`.
 */
export async function askPatiently<Answer extends AnyAnswer>(
  url: URL,
  ask: () => Promise<Answer>,
  {
    retryAfter,
    drop = async () => undefined,
    signal,
  }: {
    readonly retryAfter: (answer: Answer) => string | null | undefined;
    readonly drop?: (answer: Answer) => Promise<void>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Answer> {
  for (let tried = 1; ; tried++) {
    const answer = await ask();
    if (answer.status !== 429 && answer.status !== 503) return answer;
    const askedMs = parseRetryAfter(retryAfter(answer));
    const waitMs = askedMs ?? firstWaitMs * 2 ** (tried - 1);
    if (tried === maxTries || waitMs > maxWaitMs) {
      if (answer.status === 503) return answer;
      await drop(answer);
      throw tooBusy(url, askedMs);
    }
    await drop(answer);
    await sleep(waitMs, undefined, { signal }).catch(() => {
      throw signal?.reason;
    });
  }
}

function tooBusy({ host }: URL, askedMs: number | null): OciError {
  const seconds = Math.ceil((askedMs ?? 0) / 1000);
  const wait = seconds === 0 ? '' : `, and wants to be left alone for ${seconds} s`;
  return new OciError('registry-busy', `The registry ${host} has been asked too often${wait} (status 429).`, {
    hint: 'Try again later. Registries let those who are logged in ask more often.',
    subject: host,
  });
}

/** Firecracker's API: HTTP over a Unix socket, one connection, one request at a time. */
import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import { createQueue } from '#shared/queue.ts';
import { connectTo } from './unix-socket.ts';

export interface ApiClient {
  /**
   * The answer's body; null when it has none. Errors: BOOT_FAILED for a refusal; INSTANCE_LOST when Firecracker is gone
   * or silent.
   */
  readonly request: (method: 'GET' | 'PUT' | 'PATCH', path: string, body?: Json) => Promise<unknown>;
  readonly close: () => void;
}

export interface ApiOptions {
  /** The longest wait for the socket, and for each answer. Units: ms. */
  readonly timeoutMs?: number;
  /** Rejects when the process has ended: no wait continues then. */
  readonly ended: Promise<never>;
}

/** A start of a guest takes 10 ms, or some seconds on a machine that has no processor free. */
const defaultTimeoutMs = 20_000;
/** Firecracker listens 2 ms after its start: until then it is tried at each turn, since a timer's tick is half of that. */
const eagerMs = 5;
const pollMs = 1;
/** The time between the end of its sockets and that of the process. */
const exitPatienceMs = 200;
/** Firecracker's own answers are short: its longest, the configuration, is a few kB. */
const maxHeadBytes = 8192;
const maxBodyBytes = 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body: string;
}
interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: FirstlightError) => void;
}

/**
 * The API behind a socket, once it listens. Errors: BOOT_FAILED when no process listens in time; the rejection of
 * `ended`.
 */
export async function openApi(path: string, { timeoutMs = defaultTimeoutMs, ended }: ApiOptions): Promise<ApiClient> {
  const socket = await connectInTime(path, timeoutMs, ended);
  const inTurn = createQueue();
  let waiting: Waiting | null = null;
  let received: Buffer = Buffer.alloc(0);
  let failure: FirstlightError | null = null;

  function fail(error: FirstlightError): void {
    failure ??= error;
    waiting?.reject(failure);
    waiting = null;
    socket.destroy();
  }

  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const answer = takeAnswer();
      if (answer === null) return;
      waiting?.resolve(answer);
      waiting = null;
    } catch (cause) {
      fail(lost('It answered with something that is no HTTP.', cause));
    }
  });
  socket.on('error', (cause) => fail(lost('Its API broke off.', cause)));
  socket.on('close', () => fail(lost('Its API is closed.')));

  /** The next answer in the received bytes; null while it is incomplete. */
  function takeAnswer(): Answer | null {
    const headEnd = received.indexOf('\r\n\r\n');
    if (headEnd < 0 && received.length <= maxHeadBytes) return null;
    const head = received.toString('latin1', 0, Math.max(0, headEnd));
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
    const length = Number(/^content-length: *(\d{1,9})\s*$/im.exec(head)?.[1] ?? 0);
    if (status === undefined || waiting === null || length > maxBodyBytes) throw new Error('Not an answer.');
    const end = headEnd + 4 + length;
    if (received.length < end) return null;
    const body = received.toString('utf8', headEnd + 4, end);
    received = received.subarray(end);
    return { status: Number(status), body };
  }

  async function ask(method: string, path: string, body: Json | undefined): Promise<unknown> {
    if (failure !== null) throw failure;
    const text = body === undefined ? '' : JSON.stringify(body);
    const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n`;
    const answering = new Promise<Answer>((resolve, reject) => {
      waiting = { resolve, reject };
    });
    // Without a length a body counts as empty.
    const type = text === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`;
    socket.write(`${head}${type}\r\n${text}`);
    const late = setTimeout(
      () => fail(lost(`It did not answer to ${method} ${path} within ${timeoutMs / 1000} s.`)),
      timeoutMs,
    );
    late.unref();
    const { status, body: answered } = await Promise.race([answering, ended])
      .catch(async (thrown) => {
        // The end of a process is more informative than that of its socket, and comes a little later.
        await Promise.race([ended, sleep(exitPatienceMs, undefined, { ref: false })]);
        throw thrown;
      })
      .finally(() => clearTimeout(late));
    if (status >= 300) {
      throw new FirstlightError('BOOT_FAILED', `Firecracker refused ${method} ${path}: ${faultOf(answered)}`, {
        hint: 'Run `firstlight doctor`: it looks at Firecracker and KVM.',
      });
    }
    return answered === '' ? null : JSON.parse(answered);
  }

  return {
    request: (method, path, body) => inTurn(() => ask(method, path, body)),
    close: () => fail(lost('It was let go.')),
  };
}

async function connectInTime(path: string, timeoutMs: number, ended: Promise<never>): Promise<Socket> {
  for (const startedAt = performance.now(); ; ) {
    // The socket's file exists before a process listens on it. A later error belongs to the client's own listener.
    const socket = await Promise.race([connectTo(path).catch(() => null), ended]);
    if (socket !== null) return socket;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > timeoutMs) {
      throw new FirstlightError('BOOT_FAILED', `Firecracker did not open ${path} within ${timeoutMs / 1000} s.`);
    }
    await (waitedMs < eagerMs ? nextTurn() : sleep(pollMs));
  }
}

const lost = (why: string, cause?: unknown) =>
  new FirstlightError('INSTANCE_LOST', `Firecracker is gone. ${why}`, { hint: 'Run the function again.', cause });

/** Firecracker's own message for a refusal. */
function faultOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'fault_message' in parsed) return String(parsed.fault_message);
  } catch {
    // Not JSON: only the text itself is available.
  }
  return body.slice(0, 500);
}

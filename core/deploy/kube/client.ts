/** A thin client of a Kubernetes API server. docs/decisions/0013 has the reason why it is our own. */
import { type IncomingMessage, Agent as PlainAgent, request as requestPlain } from 'node:http';
import { Agent, type RequestOptions, request as requestTls } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { maxWaitMs, parseRetryAfter } from '@firstlight/oci';
import { FirstlightError } from '#shared/errors.ts';
import { readNamedFile } from '../read-named-file.ts';
import type { ExecCredential, PluginCredentials } from './exec-credential.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { createProxyAgent } from './proxy-agent.ts';
import { type Status, statusError, statusSchema } from './status.ts';

/** Units: ms until the server begins to answer. */
const answerTimeoutMs = 30_000;
/** Units: ms between parts of an answer that is to end. */
const partTimeoutMs = 30_000;
/** A server that is busy says when to ask again, by `Retry-After`. Source: client-go, which asks as often. */
const mostTries = 10;
const maxBodyBytes = 64 << 20;

export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Undefined: JSON. */
  readonly accept?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface KubeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Speaks to one cluster as one user. */
export interface KubeClient {
  readonly access: ClusterAccess;
  /** The JSON of an answer. Errors: CLUSTER_*, NOT_FOUND, CONFLICT, ALREADY_EXISTS; CANCELLED. */
  readonly json: <Value = unknown>(path: string, request?: KubeRequest) => Promise<Value>;
  /** The answer as it is, also an error. Errors: CLUSTER_UNREACHABLE; CANCELLED. */
  readonly raw: (path: string, request?: KubeRequest) => Promise<KubeAnswer>;
  /** The lines of an answer as they come: a watch, a log. Errors: as `json`. */
  readonly lines: (path: string, request?: KubeRequest) => AsyncGenerator<string>;
  /** The bytes of an answer as they come. Errors: as `json`, also when the connection breaks in the middle. */
  readonly bytes: (path: string, request?: KubeRequest) => AsyncGenerator<Uint8Array>;
  readonly close: () => void;
}

export function createKubeClient(access: ClusterAccess, plugins: PluginCredentials): KubeClient {
  const isTls = access.server.protocol === 'https:';
  const agent =
    access.proxy !== undefined
      ? createProxyAgent(access.proxy, isTls, access.ca)
      : isTls
        ? new Agent({ keepAlive: true })
        : new PlainAgent({ keepAlive: true });
  const plugin = plugins.of(access);

  async function authorize(given: ExecCredential | null) {
    if (given !== null) {
      const { token, clientCert, clientKey } = given;
      return { authorization: token === undefined ? undefined : `Bearer ${token}`, cert: clientCert, key: clientKey };
    }
    // Other programs may replace a token in a file while we run.
    const token = access.tokenFile === undefined ? undefined : (await readNamedFile(access.tokenFile)).trim();
    const authorization = token === undefined ? access.authorization : `Bearer ${token}`;
    return { authorization, cert: access.clientCert, key: access.clientKey };
  }

  async function open(path: string, request: KubeRequest, given: ExecCredential | null): Promise<IncomingMessage> {
    const { method = 'GET', query = {}, body, contentType = 'application/json', headers, accept, signal } = request;
    if (signal?.aborted) throw cancelled();
    const url = new URL(access.server);
    const [plainPath = '', ownQuery = ''] = path.split('?');
    url.pathname = `${url.pathname.replace(/\/$/, '')}${plainPath}`;
    const params = new URLSearchParams(ownQuery);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, value);
    url.search = params.toString();
    const { authorization, cert, key } = await authorize(given);
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      agent,
      signal,
      headers: {
        ...headers,
        ...access.impersonation,
        accept: accept ?? 'application/json, */*',
        'user-agent': 'firstlight',
        ...(authorization !== undefined && { authorization }),
        ...(text !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      },
      ...(access.ca !== undefined && { ca: access.ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(access.serverName !== undefined && { servername: access.serverName }),
      ...(access.isInsecure && { rejectUnauthorized: false }),
    };
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = (isTls ? requestTls : requestPlain)(url, options, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      const timer = setTimeout(
        () => sent.destroy(new Error(`it did not answer within ${answerTimeoutMs / 1000} s`)),
        answerTimeoutMs,
      );
      sent.on('error', (thrown) => {
        clearTimeout(timer);
        reject(signal?.aborted ? cancelled() : unreachable(access, thrown));
      });
      sent.end(text);
    });
  }

  async function openAuthorized(path: string, request: KubeRequest): Promise<IncomingMessage> {
    if (plugin === null) return await open(path, request, null);
    const given = await plugin.get(request.signal);
    const answer = await open(path, request, given);
    if (answer.statusCode !== 401) return answer;
    // The token expired early: try once more with a fresh one.
    answer.resume();
    plugin.forget(given);
    return await open(path, request, await plugin.get(request.signal));
  }

  /** Asks again where the server is too busy, or not ready yet: it has done nothing then. */
  async function openPatiently(path: string, request: KubeRequest): Promise<IncomingMessage> {
    for (let tries = 1; ; tries += 1) {
      const answer = await openAuthorized(path, request);
      const isBusy = answer.statusCode === 429 || answer.statusCode === 503;
      const waitMs = parseRetryAfter(answer.headers['retry-after']);
      if (!isBusy || waitMs === null || waitMs > maxWaitMs || tries === mostTries) return answer;
      answer.resume();
      await sleep(waitMs, undefined, { signal: request.signal }).catch(() => {
        throw cancelled();
      });
    }
  }

  async function raw(path: string, request: KubeRequest = {}): Promise<KubeAnswer> {
    const answer = await openPatiently(path, request);
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      text: await readText(answer, access, request.signal),
    };
  }

  async function openStream(path: string, request: KubeRequest): Promise<IncomingMessage> {
    const answer = await openPatiently(path, request);
    const status = answer.statusCode ?? 0;
    if (status < 400) return answer;
    throw statusError(parseStatus(status, await readText(answer, access, request.signal)), access);
  }

  return {
    access,
    raw,
    json: async <Value>(path: string, request: KubeRequest = {}) => {
      const { status, text } = await raw(path, request);
      if (status >= 400) throw statusError(parseStatus(status, text), access);
      return JSON.parse(text) as Value;
    },
    lines: async function* lines(path: string, request: KubeRequest = {}) {
      const answer = await openStream(path, request);
      answer.on('error', () => undefined);
      const reader = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY });
      // It emits the errors of the connection; the end of the lines reports them.
      reader.on('error', () => undefined);
      try {
        yield* reader;
      } catch (thrown) {
        throw request.signal?.aborted ? cancelled() : unreachable(access, thrown);
      } finally {
        reader.close();
        answer.destroy();
      }
    },
    bytes: async function* bytes(path: string, request: KubeRequest = {}) {
      const answer = await openStream(path, request);
      try {
        yield* answer as AsyncIterable<Uint8Array>;
      } catch (thrown) {
        throw request.signal?.aborted ? cancelled() : unreachable(access, thrown);
      } finally {
        answer.destroy();
      }
    },
    close: () => agent.destroy(),
  };
}

async function readText(answer: IncomingMessage, access: ClusterAccess, signal?: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const tooLate = () =>
    answer.destroy(new Error(`it stopped in the middle of an answer, for ${partTimeoutMs / 1000} s`));
  const timer = setTimeout(tooLate, partTimeoutMs);
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      timer.refresh();
      bytes += chunk.length;
      if (bytes > maxBodyBytes) throw new Error('its answer is too long');
      chunks.push(chunk);
    }
  } catch (thrown) {
    throw signal?.aborted ? cancelled() : unreachable(access, thrown);
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** An error answer is a Status, or any text from a proxy in between. */
function parseStatus(code: number, text: string): Status {
  try {
    const parsed = statusSchema.safeParse(JSON.parse(text));
    if (parsed.success) return { ...parsed.data, code };
  } catch {
    // A proxy's page, or plain text.
  }
  return { code, message: text.trim().slice(0, 500), reason: '' };
}

const cancelled = () => new FirstlightError('CANCELLED', 'Cancelled.');

function unreachable({ server, context }: ClusterAccess, thrown: unknown): FirstlightError {
  if (thrown instanceof FirstlightError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: 'there is no machine of that name, or no network',
    EAI_AGAIN: 'its name cannot be looked up: there is no network',
    ECONNREFUSED: 'nothing listens there',
    ECONNRESET: 'it broke the connection off',
    CERT_HAS_EXPIRED: 'its certificate has expired',
    CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock of this machine right?',
    ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  };
  const isOfOtherAuthority = otherAuthority.has(code);
  const why = isOfOtherAuthority
    ? 'its certificate is not of the authority that the kubeconfig names'
    : (words[code] ?? (thrown instanceof Error ? thrown.message : String(thrown)));
  return new FirstlightError(
    'CLUSTER_UNREACHABLE',
    `The cluster of ${context} at ${server.host} cannot be used: ${why}.`,
    {
      hint: isOfOtherAuthority
        ? 'Get the kubeconfig of the cluster anew: "certificate-authority-data" is that of another one, or missing.'
        : `Is it running and reachable? kubectl --context ${context} version says the same.`,
      details: { subject: server.host },
      cause: thrown,
    },
  );
}

/** Source: OpenSSL's verification errors, as Node.js names them. */
const otherAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

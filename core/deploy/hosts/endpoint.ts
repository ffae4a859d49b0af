/** HTTP endpoints of instances: a port of their host, which leads into the guest. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { LibvirtConnectionError } from 'node-libvirt';
import type { CallOutput, CallRequest } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import { anyAddress, isLoopback, loopbackAddress } from '#shared/model/deploy.ts';
import { isJsonText } from '#shared/model/json.ts';
import type { TargetHost } from './fleet.ts';
import type { DeployedRecord } from './record.ts';

type Answer = CallOutput<'deploy:invoke'>;
type Place = Pick<TargetHost, 'address' | 'connection' | 'carriesTcp'>;
export type EndpointRequest = Pick<CallRequest<'deploy:invoke'>, 'method' | 'path' | 'body'>;

/** The most that an answer may have, as through the other ways to a function. */
const maxBodyBytes = 16 * 1024 * 1024;

/** Where an instance serves HTTP; on loopback: of its host. Null for one that does not. */
export function endpointOf({ address }: Pick<TargetHost, 'address'>, { listen, port }: DeployedRecord): string | null {
  if (port === 0) return null;
  return `http://${listen === anyAddress ? address : listen}:${port}`;
}

/** True where endpoints at an address of a host can be called from here: not on a loopback that no connection leads to. */
export const isReachable = ({ carriesTcp }: Pick<TargetHost, 'carriesTcp'>, listen: string): boolean =>
  carriesTcp || !isLoopback(listen);

/**
 * A connection to the endpoint of an instance: by that of its host where this carries others, as SSH does, else directly.
 * Null where there is no way: a loopback that no connection leads to.
 */
export function dialerOf(host: Place, record: DeployedRecord): ((signal: AbortSignal) => Promise<Duplex>) | null {
  const { listen, port } = record;
  const { address, connection, carriesTcp } = host;
  if (port === 0 || !isReachable(host, listen)) return null;
  if (carriesTcp) {
    const to = { host: listen === anyAddress ? loopbackAddress : listen, port };
    return (signal) => connection.connectTcp(to, signal);
  }
  // A connection takes an IPv6 address without its brackets.
  const to = { host: listen === anyAddress ? address.replace(/^\[(.*)\]$/, '$1') : listen, port };
  return (signal) => connectHere(to, signal);
}

function connectHere(to: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, signal });
    socket.once('connect', () => resolve(socket.off('error', reject)));
    socket.once('error', reject);
  });
}

/**
 * The answer of an endpoint.
 *
 * Errors: INSTANCE_LOST when nobody listens, so that the request was not sent; CHANNEL_BROKEN when the connection ended
 * without a whole answer; FUNCTION_TIMEOUT; RESPONSE_NOT_SERIALIZABLE; CANCELLED.
 */
export async function callEndpoint(
  dial: (signal: AbortSignal) => Promise<Duplex>,
  where: string,
  request: EndpointRequest,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Answer> {
  const late = AbortSignal.timeout(timeoutMs);
  const over = AbortSignal.any([signal, late]);
  try {
    const stream = await dial(over);
    return await exchange(stream, request, over);
  } catch (thrown) {
    if (signal.aborted) throw new FirstlightError('CANCELLED', 'The call was cancelled.');
    if (late.aborted) {
      throw new FirstlightError('FUNCTION_TIMEOUT', `${where} did not answer within ${timeoutMs} ms.`, {
        hint: 'Look at its console: firstlight deploy console. A request waits while another one is served.',
      });
    }
    if (thrown instanceof FirstlightError) throw thrown;
    throw explain(thrown, where);
  }
}

function explain(cause: unknown, where: string): FirstlightError {
  const isRefused =
    (cause instanceof LibvirtConnectionError && cause.reason === 'connect-failed') ||
    (cause instanceof Error && 'syscall' in cause && cause.syscall === 'connect');
  const words = cause instanceof Error ? cause.message : String(cause);
  if (isRefused) {
    return new FirstlightError('INSTANCE_LOST', `Nobody listens at ${where}: ${words}`, {
      hint: 'firstlight deploy status says whether the instance runs. By SSH, the host must allow AllowTcpForwarding.',
      cause,
    });
  }
  return new FirstlightError('CHANNEL_BROKEN', `${where} ended the connection without a whole answer: ${words}`, {
    hint: 'Look at its console: firstlight deploy console',
    cause,
  });
}

function exchange(stream: Duplex, { method, path, body }: EndpointRequest, signal: AbortSignal): Promise<Answer> {
  const { pathname, search } = new URL(`http://function${path}`);
  return new Promise<Answer>((resolve, reject) => {
    const headers = {
      host: 'function',
      connection: 'close',
      ...(body !== null && { 'content-type': isJsonText(body) ? 'application/json' : 'text/plain; charset=utf-8' }),
    };
    // Without a listener of its own, an error before the request has the stream would end the process.
    stream.on('error', reject);
    const outgoing = httpRequest({
      ...{ method, path: `${pathname}${search}`, headers, signal },
      createConnection: () => stream,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      readAnswer(incoming).then(resolve, reject);
    });
    outgoing.end(body ?? undefined);
  }).finally(() => stream.destroy());
}

async function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) {
      throw new FirstlightError('RESPONSE_NOT_SERIALIZABLE', 'The answer is longer than 16 MiB.');
    }
    chunks.push(chunk);
  }
  const contentType = incoming.headers['content-type'] ?? '';
  return { status: incoming.statusCode ?? 0, contentType, body: Buffer.concat(chunks).toString('utf8') };
}

/** Connections to a cluster through a proxy, by CONNECT. */
import { type ClientRequest, Agent as PlainAgent, request as requestPlain } from 'node:http';
import { Agent, request as requestTls } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, rootCertificates } from 'node:tls';

/** Units: ms until the proxy has connected. */
const connectTimeoutMs = 30_000;

type OnCreate = (error: Error | null, stream: Duplex) => void;

/**
 * An agent whose connections lead through `proxy`. `ca`: certificates in PEM that the proxy's may also come from, as
 * kubectl has it.
 */
export function createProxyAgent(proxy: URL, isTls: boolean, ca: string | undefined): Agent | PlainAgent {
  const asking = new Set<ClientRequest>();

  function ask(wanted: ConnectionOptions, onCreate: OnCreate): undefined {
    const failed = (why: string) =>
      onCreate(new Error(`its proxy ${proxy.host} ${why}`), undefined as unknown as Duplex);
    const host = String(wanted.host).includes(':') ? `[${wanted.host}]` : wanted.host;
    const place = `${host}:${wanted.port}`;
    const request = (proxy.protocol === 'https:' ? requestTls : requestPlain)({
      host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: place,
      agent: false,
      headers: { host: place, ...authorize(proxy) },
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    });
    asking.add(request);
    const timer = setTimeout(
      () => request.destroy(new Error(`did not connect within ${connectTimeoutMs / 1000} s`)),
      connectTimeoutMs,
    );
    request.once('close', () => {
      clearTimeout(timer);
      asking.delete(request);
    });
    request.on('error', (thrown) => failed(wordsOf(thrown)));
    request.on('response', (answer) => {
      answer.resume();
      failed(`refused to connect, with status ${answer.statusCode}`);
    });
    request.on('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        const why = answer.statusCode === 407 ? ': it wants a name and password' : '';
        return failed(`refused to connect, with status ${answer.statusCode}${why}`);
      }
      if (head.length > 0) socket.unshift(head);
      onCreate(null, isTls ? connectTls({ ...wanted, socket }) : socket);
    });
    request.end();
    return undefined;
  }

  const agent = isTls ? new Agent({ keepAlive: true }) : new PlainAgent({ keepAlive: true });
  const destroy = agent.destroy.bind(agent);
  return Object.assign(agent, {
    createConnection: ask,
    destroy: () => {
      for (const request of asking) request.destroy();
      destroy();
    },
  });
}

function authorize({ username, password }: URL): { readonly 'proxy-authorization'?: string } {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

function wordsOf(thrown: Error): string {
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: 'is no machine that is known here',
    EAI_AGAIN: 'cannot be looked up: there is no network',
    ECONNREFUSED: 'does not listen',
    ECONNRESET: 'broke the connection off',
  };
  return words['code' in thrown ? String(thrown.code) : ''] ?? `cannot be used: ${thrown.message}`;
}

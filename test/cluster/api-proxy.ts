/** Stands between a program and the API server, and tells the test of a request before the server sees it. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:https';
import { join } from 'node:path';

export interface ApiProxy {
  /** The cluster by way of the proxy. */
  readonly kubeconfig: string;
  /** Resolves when a request is asked that fits; it is never answered. Shape: `PATCH /api/v1/…?query`. */
  readonly hold: (fits: RegExp) => Promise<void>;
  readonly close: () => void;
}

/** A proxy for our own cluster, whose files lie in `dir`: it has the server's certificate. */
export async function openApiProxy(dir: string, kubeconfig: string): Promise<ApiProxy> {
  const read = (name: string) => readFileSync(join(dir, name));
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  const [{ cluster }] = config.clusters;
  const target: string = cluster.server;
  const agent = new Agent({ keepAlive: true, ca: read('ca.crt') });
  let holding: { readonly fits: RegExp; readonly reached: () => void } | null = null;
  const server = createServer({ key: read('server.key'), cert: read('server.crt') }, (incoming, answer) => {
    const { method, url = '', headers } = incoming;
    if (holding?.fits.test(`${method} ${url}`)) {
      holding.reached();
      holding = null;
      return;
    }
    const outgoing = request(`${target}${url}`, { agent, method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.on('error', () => answer.destroy()).pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('error', () => outgoing.destroy()).on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  cluster.server = `https://127.0.0.1:${address.port}`;
  const path = join(dir, 'proxied.kubeconfig');
  writeFileSync(path, JSON.stringify(config));
  return {
    kubeconfig: path,
    hold: (fits) =>
      new Promise((resolve) => {
        holding = { fits, reached: resolve };
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

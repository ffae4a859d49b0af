/** A cluster whose API server has the pods and the logs of one function, `greet`, and nothing else. */
import { createServer, type ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { createKubeClient } from '../kube/client.ts';
import { createPluginCredentials } from '../kube/exec-credential.ts';
import type { PodObject } from '../kube/objects.ts';

export type PodStatus = NonNullable<PodObject['status']>;

export interface PodLogs {
  readonly cluster: Cluster;
  /** May be changed at any time. Null: lists of pods are broken off, as by an API server that starts anew. */
  pods: PodObject[] | null;
  /** Answers of the log, in the order of the requests; the last one answers all later ones. */
  logs: ((response: ServerResponse) => unknown)[];
  /** The requests of logs. */
  readonly asked: URL[];
  /** Called before each list of pods. */
  onList: () => void;
  /** Called before each look at a pod. */
  onLook: () => void;
  readonly close: () => void;
}

export const running: PodStatus = {
  phase: 'Running',
  containerStatuses: [{ name: 'function', ready: true, restartCount: 0, state: { running: {} } }],
};
export const pod = (name: string, status: PodStatus = running, born = '2026-01-02T03:04:05Z'): PodObject => ({
  metadata: { name, uid: `uid-${name}`, creationTimestamp: born },
  status,
});
/** A pod on a node, `n1`, that does not answer. Source: Kubernetes 1.34. */
export const lostPod = (name: string): PodObject => ({
  ...pod(name, {
    ...running,
    conditions: [
      { type: 'PodReadyToStartContainers', status: 'True' },
      { type: 'Initialized', status: 'True' },
      { type: 'Ready', status: 'False' },
      { type: 'ContainersReady', status: 'True' },
      { type: 'PodScheduled', status: 'True' },
    ],
  }),
  spec: { nodeName: 'n1' },
});
/** A line of a log with its time. */
export const line = (second: number, text: string) => `2026-01-02T03:04:0${second}.5Z ${text}\n`;

/** Starts the server. Call `close` when done. */
export async function openPodLogs(): Promise<PodLogs> {
  let pods: PodObject[] | null = [];
  const watches = new Set<ServerResponse>();
  const tellWatches = () => {
    for (const watch of watches) {
      if (pods === null) watch.destroy();
      else for (const object of pods) watch.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
    }
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://cluster');
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const [, , , , , kind, name, part] = url.pathname.split('/');
    if (url.pathname.startsWith('/apis/apps/v1/')) return json(200, { metadata: { name: 'greet' }, spec: {} });
    if (kind !== 'pods') return json(404, { kind: 'Status', reason: 'NotFound', message: `no ${url.pathname}` });
    if (name === undefined) {
      if (url.searchParams.has('watch')) {
        watches.add(response.writeHead(200));
        response.flushHeaders();
        return tellWatches();
      }
      all.onList();
      return pods === null ? response.destroy() : json(200, { items: pods });
    }
    if (part === 'log') {
      all.asked.push(url);
      const answer = all.logs.length > 1 ? all.logs.shift() : all.logs[0];
      return answer?.(response);
    }
    all.onLook();
    const found = pods?.find(({ metadata }) => metadata.name === name);
    if (found === undefined) return json(404, { kind: 'Status', reason: 'NotFound', message: `pods "${name}"` });
    return json(200, found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const client = createKubeClient(
    {
      ...{ source: 'config', user: 'u' },
      context: 'one',
      namespace: 'team',
      server: new URL(`http://127.0.0.1:${address.port}`),
      isInsecure: false,
      ...{ ca: undefined, serverName: undefined, clientCert: undefined, clientKey: undefined },
      ...{ authorization: undefined, tokenFile: undefined, exec: undefined },
      ...{ impersonation: {}, proxy: undefined },
    },
    createPluginCredentials(),
  );
  const target = { name: 'home', kind: 'kubernetes', registry: 'r.example/team' } as Cluster['target'];
  const all: PodLogs = {
    cluster: { client, target, namespace: 'team' },
    get pods() {
      return pods;
    },
    set pods(next) {
      pods = next;
      tellWatches();
    },
    logs: [],
    asked: [],
    onList: () => undefined,
    onLook: () => undefined,
    close: () => {
      client.close();
      server.closeAllConnections();
      server.close();
    },
  };
  return all;
}

import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { createKubeClient } from './kube/client.ts';
import type { PodObject } from './kube/objects.ts';
import { streamPodConsole } from './pod-console.ts';

type Status = NonNullable<PodObject['status']>;
type Answer = (response: ServerResponse) => void;

let server: Server;
let cluster: Cluster;
let pods: PodObject[];
/** Answers of the log, in the order of the requests; the last one answers all later ones. */
let logs: Answer[];
let asked: URL[];
/** Called before each look at a pod. */
let onLook: () => void;

const running: Status = {
  phase: 'Running',
  containerStatuses: [{ name: 'function', ready: true, restartCount: 0, state: { running: {} } }],
};
const ended = (reason: string, exitCode: number): Status => ({
  phase: 'Running',
  containerStatuses: [{ name: 'function', ready: false, restartCount: 0, state: { terminated: { reason, exitCode } } }],
});
const pod = (name: string, status: Status = running, born = '2026-01-02T03:04:05Z'): PodObject => ({
  metadata: { name, uid: `uid-${name}`, creationTimestamp: born },
  status,
});
const line = (second: number, text: string) => `2026-01-02T03:04:0${second}.5Z ${text}\n`;

beforeEach(async () => {
  asked = [];
  onLook = () => undefined;
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://cluster');
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const [, , , , , kind, name, part] = url.pathname.split('/');
    if (url.pathname.startsWith('/apis/apps/v1/')) return json(200, { metadata: { name: 'greet' }, spec: {} });
    if (kind !== 'pods') return json(404, { kind: 'Status', reason: 'NotFound', message: `no ${url.pathname}` });
    if (name === undefined) return json(200, { items: pods });
    if (part === 'log') {
      asked.push(url);
      const answer = logs.length > 1 ? logs.shift() : logs[0];
      return answer?.(response);
    }
    onLook();
    const found = pods.find(({ metadata }) => metadata.name === name);
    if (found === undefined) return json(404, { kind: 'Status', reason: 'NotFound', message: `pods "${name}"` });
    return json(200, found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const access = {
    context: 'one',
    namespace: 'team',
    server: new URL(`http://127.0.0.1:${address.port}`),
    isInsecure: false,
    ...{ ca: undefined, serverName: undefined, clientCert: undefined, clientKey: undefined },
    ...{ authorization: undefined, tokenFile: undefined, exec: undefined },
  };
  const client = createKubeClient(access);
  const target = { name: 'home', kind: 'kubernetes', registry: 'r.example/team' } as Cluster['target'];
  cluster = { client, target, namespace: 'team' };
});
afterEach(() => {
  cluster.client.close();
  server.closeAllConnections();
  server.close();
});

async function follow(instance?: string, onText: (text: string, end: () => void) => unknown = () => undefined) {
  const ending = new AbortController();
  let text = '';
  const write = async (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString('utf8');
    onText(text, () => ending.abort());
  };
  await streamPodConsole(cluster, 'greet', instance, { write, signal: ending.signal });
  return text;
}

describe('the console of a pod', () => {
  it('is that of the newest one, from its beginning, until its container ends, with the reason', async () => {
    pods = [pod('greet-old', running, '2026-01-01T00:00:00Z'), pod('greet-new')];
    logs = [
      (response) => {
        pods = [pod('greet-new', ended('OOMKilled', 137))];
        response.end(`${line(1, 'SeaBIOS\r')}${line(2, '\x1b[31mred')}`);
      },
    ];
    expect(await follow()).toBe('SeaBIOS\r\n\x1b[31mred\n(greet-new ended (OOMKilled, exit status 137))\n');
    expect(asked[0]?.pathname).toContain('/pods/greet-new/log');
    expect(asked[0]?.searchParams.get('sinceTime')).toBeNull();
  });

  it('goes on after a lost connection, without a byte missing or doubled', async () => {
    pods = [pod('greet-1')];
    let cut: () => void = () => undefined;
    logs = [
      (response) => {
        response.write(`${line(1, 'one')}${line(2, 'tw')}`.slice(0, -1));
        cut = () => response.destroy();
      },
      (response) => {
        pods = [pod('greet-1', ended('Completed', 0))];
        response.end(`${line(1, 'one')}${line(2, 'two')}`);
      },
    ];
    const text = await follow('greet-1', (shown) => shown === 'one\ntw' && cut());
    const notes = /\(the connection is lost and tried again: .*\)\n\(connected again\)\n/;
    expect(text).toMatch(notes);
    expect(text.replace(notes, '')).toBe('one\ntwo\n(greet-1 ended (Completed, exit status 0))\n');
    expect(asked[1]?.searchParams.get('sinceTime')).toBe('2026-01-02T03:04:02.5Z');
  });

  it('says that its pod was evicted, in the words of the kubelet, or is gone', async () => {
    const evicted: Status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' };
    pods = [pod('greet-1')];
    logs = [
      (response) => {
        pods = [pod('greet-1', evicted)];
        response.end(line(1, 'one'));
      },
    ];
    expect(await follow()).toBe('one\n(greet-1 ended: Evicted: The node was low on resource: memory.)\n');
    pods = [pod('greet-1')];
    logs = [
      (response) => {
        pods = [];
        response.end(line(1, 'one'));
      },
    ];
    expect(await follow()).toBe('one\n(greet-1 is gone)\n');
  });

  it('does not run on into the next container', async () => {
    const anew: Status = {
      phase: 'Running',
      containerStatuses: [
        {
          ...{ name: 'function', ready: true, restartCount: 1, state: { running: {} } },
          lastState: { terminated: { reason: 'Error', exitCode: 1 } },
        },
      ],
    };
    pods = [pod('greet-1')];
    logs = [
      (response) => {
        pods = [pod('greet-1', anew)];
        response.end(line(1, 'one'));
      },
    ];
    expect(await follow()).toBe(
      'one\n(the container of greet-1 ended (Error, exit status 1) and began anew: open the console again)\n',
    );
    expect(asked).toHaveLength(1);
  });

  it('waits for a container to begin, and says why it has not', async () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
    const notYet: Status = {
      phase: 'Pending',
      containerStatuses: [{ name: 'function', ready: false, restartCount: 0, state: { waiting } }],
    };
    pods = [pod('greet-1', notYet)];
    let looks = 0;
    onLook = () => {
      if (++looks === 3) pods = [pod('greet-1')];
    };
    logs = [(response) => response.write(line(1, 'up'))];
    const text = await follow(undefined, (shown, end) => shown.endsWith('up\n') && end());
    expect(text).toBe('(greet-1 has not begun: ImagePullBackOff: Back-off pulling image)\nup\n');
  });

  it('names the pods that there are, and what starts one', async () => {
    pods = [pod('greet-1'), pod('greet-2')];
    await expect(follow('greet-9')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'greet has no pod "greet-9" in team.',
      hint: expect.stringContaining('greet-1, greet-2'),
    });
    pods = [];
    await expect(follow()).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('deploy scale') });
  });
});

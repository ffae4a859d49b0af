/** An API server that keeps objects in memory, for faults that a real one cannot be made to show: rights, races, outages. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Cluster, pathOf } from '../cluster.ts';
import { createKubeClient } from '../kube/client.ts';
import { createPluginCredentials } from '../kube/exec-credential.ts';
import type { KubeObject } from '../kube/objects.ts';

type Stored = KubeObject & { readonly spec?: unknown };
interface Answer {
  readonly status: number;
  readonly body: unknown;
}
type Refused = Answer | null | undefined;
interface Watch {
  readonly url: URL;
  readonly response: ServerResponse;
}

/** An answer in place of that of an operation; null: the connection is broken off. */
export const refusal = (status: number, message: string): Answer => ({
  status,
  body: { kind: 'Status', code: status, reason: status === 403 ? 'Forbidden' : '', message },
});

export interface ObjectServer {
  readonly cluster: Cluster;
  /** The requests, as `DELETE deployments/greet`; dry runs and watches are left out. */
  readonly asked: string[];
  /** Answers in the server's place, by the request as in `asked`. Undefined: the server answers. */
  refuse: (request: string) => Refused | Promise<Refused>;
  /** Called with each object that an apply has changed: what a controller would do. */
  onApply: (kind: string, object: Stored) => void;
  readonly get: <Value = Stored>(kind: string, name: string) => Value | undefined;
  readonly put: (kind: string, object: object) => void;
  readonly remove: (kind: string, name: string) => void;
  readonly close: () => void;
}

/** Starts the server. Shape: an apply replaces what we can set of an object. Call `close` when done. */
export async function openObjectServer(): Promise<ObjectServer> {
  const objects = new Map<string, Stored>();
  const watches = new Set<Watch>();
  let version = 0;

  function store(path: string, object: Stored): Stored {
    const before = objects.get(path);
    const isSame = JSON.stringify(before?.spec) === JSON.stringify(object.spec);
    version += 1;
    const stored = {
      ...object,
      metadata: {
        uid: `uid-${version}`,
        ...object.metadata,
        ...(before !== undefined && { uid: before.metadata.uid ?? '' }),
        generation: (before?.metadata.generation ?? 0) + (isSame ? 0 : 1),
        resourceVersion: String(version),
      },
    };
    objects.set(path, stored);
    tell(before === undefined ? 'ADDED' : 'MODIFIED', path, stored);
    return stored;
  }
  function drop(path: string): void {
    const before = objects.get(path);
    if (before !== undefined && objects.delete(path)) tell('DELETED', path, before);
  }
  function tell(type: string, path: string, object: Stored): void {
    for (const { url, response } of watches) {
      if (isBelow(url.pathname, path) && isSelected(url, object)) {
        response.write(`${JSON.stringify({ type, object })}\n`);
      }
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? '', 'http://cluster');
    const path = url.pathname;
    const method = request.method ?? '';
    const isWatch = url.searchParams.has('watch');
    const send = ({ status, body }: Answer) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const short = `${method} ${path.split('/namespaces/team/')[1] ?? path}`;
    const isDry = url.searchParams.has('dryRun');
    if (!isWatch && !isDry) all.asked.push(short);
    const refused = await all.refuse(short);
    if (refused === null) return response.destroy();
    if (refused !== undefined) return send(refused);
    if (isWatch) {
      const watch = { url, response: response.writeHead(200) };
      response.flushHeaders();
      watches.add(watch);
      response.on('close', () => watches.delete(watch));
      return;
    }
    const found = objects.get(path);
    const [, kind = '', name] = /\/namespaces\/team\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (name === undefined && method === 'GET' && kind !== '') {
      const items = [...objects].filter(([at, object]) => isBelow(path, at) && isSelected(url, object));
      return send({ status: 200, body: { metadata: { resourceVersion: '1' }, items: items.map(([, one]) => one) } });
    }
    if (method === 'PATCH') {
      const body = JSON.parse(await text(request)) as Stored;
      const isApply = request.headers['content-type'] === 'application/apply-patch+yaml';
      const merged = isApply ? applied(found, body) : ({ ...found, spec: { ...spec(found), ...spec(body) } } as Stored);
      if (isDry) return send({ status: 200, body: merged });
      const stored = store(path, merged);
      all.onApply(kind, stored);
      return send({ status: 200, body: objects.get(path) ?? stored });
    }
    if (found === undefined) return send(refusal(404, `${kind} "${name}" not found`));
    if (method === 'DELETE') drop(path);
    return send({ status: 200, body: found });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => response.destroy(thrown as Error));
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
  const target = {
    name: 'home',
    kind: 'kubernetes',
    registry: 'r.example/team',
    engine: 'pod',
    workload: 'deployment',
  };
  const cluster = { client, target, namespace: 'team' } as unknown as Cluster;
  const at = (kind: string, name: string) => pathOf(cluster, kind, name);
  const all: ObjectServer = {
    cluster,
    asked: [],
    refuse: () => undefined,
    onApply: () => undefined,
    get: <Value>(kind: string, name: string) => objects.get(at(kind, name)) as Value | undefined,
    put: (kind, object) => {
      store(at(kind, (object as Stored).metadata.name), object as Stored);
    },
    remove: (kind, name) => drop(at(kind, name)),
    close: () => {
      client.close();
      server.closeAllConnections();
      server.close();
    },
  };
  return all;
}

const spec = (object: Stored | undefined) => (object?.spec ?? {}) as object;

/** Source: Kubernetes' FieldsV1. */
const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? {}
    : Object.fromEntries(Object.entries(value).map(([name, part]) => [`f:${name}`, fieldsOf(part)]));

/** What an apply leaves of an object: its status, and what others have put into its metadata. */
function applied(before: Stored | undefined, body: Stored): Stored {
  const foreign = Object.entries(before?.metadata.annotations ?? {}).filter(([key]) => !/^firstlight\.dev\//.test(key));
  const annotations = { ...Object.fromEntries(foreign), ...body.metadata.annotations };
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = body;
  const fieldsV1 = fieldsOf({ ...rest, metadata: { labels: metadata.labels, annotations: metadata.annotations } });
  const managedFields = [{ manager: 'firstlight', operation: 'Apply', fieldsV1 }];
  return { ...before, ...body, metadata: { ...before?.metadata, ...metadata, annotations, managedFields } };
}

const isBelow = (folder: string, path: string): boolean =>
  path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/');

function isSelected({ searchParams }: URL, object: Stored): boolean {
  const terms = (name: string) => (searchParams.get(name) ?? '').split(',').filter(Boolean);
  const fieldOf = (path: string) =>
    path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
  const matches = (term: string, read: (key: string) => unknown) => {
    if (term.startsWith('!')) return read(term.slice(1)) === undefined;
    const [key = '', value] = term.split('=');
    return read(key) === value;
  };
  return (
    terms('labelSelector').every((term) => matches(term, (key) => object.metadata.labels?.[key])) &&
    terms('fieldSelector').every((term) => matches(term, fieldOf))
  );
}

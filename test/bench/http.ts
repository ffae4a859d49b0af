/** Warm calls by HTTP: a function on Ember that serves by itself, beside Node.js on Nanos and Node.js on this host. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseForwards } from '#core/runtime/user-network.ts';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { locateResources } from '#core/store/resources.ts';
import type { Accel } from '#shared/model/instance.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { nanosDir } from './coldstart-nanos.ts';
import { round } from './figures.ts';
import { loadPort } from './http-load.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

const defaultRuns = 5;
const durationMs = 2_000;
/** Firstlight speaks with a function on Nanos over 8080. */
const guestPort = 8081;
const connectionCounts = [1, 32, 100] as const;

const body = '{"hello":"world"}';
const handler = `export default () => (${body});\n`;
// The first of a hundred connections waits while the others are opened.
const server = `http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': ${body.length} });
  response.end('${body}');
})`;

/** Medians of the rounds. Units: requests a second, milliseconds. */
export interface HttpFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The result of `benchHttp`. Shape: by server, by the number of connections. */
export interface HttpBench {
  readonly runs: number;
  readonly servers: Readonly<Record<string, Readonly<Record<number, HttpFigures>>>>;
}

interface Server {
  readonly name: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Requests a second and their times, on 1, 32 and 100 connections that stay open; the servers take turns. */
export async function benchHttp({ runs = defaultRuns, log }: BenchOptions): Promise<HttpBench> {
  const servers: Server[] = [];
  try {
    servers.push(await serveOnHost());
    const ember = hasNetworkKernel() ? (['ember'] as const) : [];
    if (ember.length === 0) log('without Ember: there was no source of lwIP when it was built');
    servers.push(...(await serveInGuests(undefined, ember)));
    const others = nanosDir === undefined ? [] : (['nanos'] as const);
    // Emulated beside emulated: Nanos runs under fewer KVMs than Ember.
    const isNative = servers.some(({ name }) => name === 'ember-kvm');
    servers.push(...(await serveInGuests('tcg', isNative ? [...ember, ...others] : others)));
    return { runs, servers: await measure(servers, runs, log) };
  } finally {
    for (const { close } of servers) await close();
  }
}

async function measure(
  servers: readonly Server[],
  runs: number,
  log: BenchOptions['log'],
): Promise<HttpBench['servers']> {
  const samples = new Map<string, HttpFigures[]>();
  for (let run = 1; run <= runs; run++) {
    for (const connections of connectionCounts) {
      for (const { name, port } of servers) {
        const { ms, totalMs } = await loadPort(port, connections, durationMs);
        const key = `${name} ${connections}`;
        const perSecond = (ms.length / totalMs) * 1000;
        samples.set(key, [
          ...(samples.get(key) ?? []),
          { perSecond, p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99) },
        ]);
        log(`${run}/${runs}: ${name}, connections: ${connections}: ${round(perSecond)} a second`);
      }
    }
  }
  const figuresOf = (name: string, connections: number): HttpFigures => {
    const taken = samples.get(`${name} ${connections}`) ?? [];
    const median = (key: keyof HttpFigures) =>
      round(
        quantile(
          taken.map((figures) => figures[key]),
          0.5,
        ),
      );
    return { perSecond: median('perSecond'), p50Ms: median('p50Ms'), p99Ms: median('p99Ms') };
  };
  return Object.fromEntries(
    servers.map(({ name }) => [
      name,
      Object.fromEntries(connectionCounts.map((connections) => [connections, figuresOf(name, connections)])),
    ]),
  );
}

const hasNetworkKernel = () => existsSync(locateResources().pathOf(shipped.emberNetworkKernel));

/** Node.js as a process of this host: what the client and the machine can do. */
async function serveOnHost(): Promise<Server> {
  const code = `const http = require('node:http');
const server = ${server}.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const close = async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  return { name: 'node-on-this-host', port: Number(line.toString()), close };
}

/** One instance of each runtime. Shape: `accel` absent: each runtime's own choice. */
async function serveInGuests(accel: Accel | undefined, runtimes: readonly ('ember' | 'nanos')[]): Promise<Server[]> {
  if (runtimes.length === 0) return [];
  const studio = await openStudio(accel);
  try {
    const servers: Server[] = [];
    for (const runtime of runtimes) servers.push(await serve(studio, runtime));
    return servers.map((one, index) => (index === 0 ? { ...one, close: () => studio.close() } : one));
  } catch (thrown) {
    await studio.close();
    throw thrown;
  }
}

/** Its instance ends with the studio. */
async function serve(studio: Studio, runtime: 'ember' | 'nanos'): Promise<Server> {
  const project = await studio.createProject(`http-${runtime}`);
  const code =
    runtime === 'ember' ? handler : `import http from 'node:http';\n${server}.listen(${guestPort});\n${handler}`;
  const configPath = join(project.dir, 'firstlight.json');
  const config = JSON.parse(readFileSync(configPath, 'utf8'));
  const more = runtime === 'ember' ? { memoryMiB: 64 } : { runtime, memoryMiB: 256 };
  const [forward] = await chooseForwards({ port: guestPort, ports: [] });
  const port = forward?.hostPort ?? 0;
  writeFileSync(configPath, JSON.stringify({ ...config, ...more, ports: [{ guest: guestPort, host: port }] }));
  writeFileSync(join(project.dir, config.entry ?? 'handler.ts'), code);
  if (runtime === 'nanos') await studio.client.call('kernels:install', { runtime, from: nanosDir ?? '' });
  const { id } = await studio.client.call('projects:open', { dir: project.dir });
  const run = await studio.client.call('instances:run', { projectId: id, lifetime: 'session', event: {} });
  if (run.outcome !== 'ok')
    throw new Error(`The function on ${runtime} came out as ${run.outcome}: ${run.error?.message}`);
  return { name: `${runtime}-${run.instance?.accel}`, port, close: async () => undefined };
}

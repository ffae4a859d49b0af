import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { makeWorkload } from '#core/deploy/workload.ts';
import { locateResources } from '#core/store/resources.ts';
import { startHost } from '#host/start-host.ts';
import { projectConfigSchema } from '#shared/model/project.ts';
import { startCluster, whyNoCluster } from '../cluster/cluster.mjs';
import { goToolPath, whyNoGoTool } from '../cluster/go-tool.mjs';
import { launchChromium } from '../fixtures/instruments/serve.ts';
import { makeHome, openStudio, removeHome } from '../integration/studio.ts';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';

const functionCount = 500;
const nodeCount = 100;
/** Requests are counted for this long, while nothing changes. Units: ms. */
const quietMs = 60_000;

/**
 * A list of many deployed functions, on a real API server with kwok's nodes, whose pods are pretended.
 *
 * Units: `listMs` of `deploy:list`; `watchMs` from opening `deploy:watch` to its first line; `drawMs` from the click on the
 * page of deployed functions until the table of all is there, and its rows in view are painted. `requestsInAMinute` counts what the API server was asked while the
 * page was open and nothing changed.
 */
export async function benchDeployed({ runs = 5, log }: BenchOptions) {
  const reason = whyNoCluster() ?? whyNoGoTool('kwok');
  if (reason !== null) throw new Error(`There is no cluster to measure on: ${reason}.`);
  const home = makeHome();
  const cluster = await startCluster();
  const ends: (() => unknown)[] = [() => removeHome(home), cluster.stop];
  try {
    ends.push(startKwok(cluster.kubeconfig));
    await fill(cluster, home, log);
    const proxy = await countRequests(cluster.kubeconfig, home);
    ends.push(proxy.close);
    const studio = await openStudio({ home });
    ends.push(studio.close);
    await studio.client.call('targets:add', {
      ...{ name: 'many', kind: 'kubernetes', kubeconfig: proxy.kubeconfig },
      registry: 'registry.example/functions',
    });
    const listMs: number[] = [];
    const watchMs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const startedAt = performance.now();
      const found = await studio.client.call('deploy:list', { target: 'many' });
      listMs.push(performance.now() - startedAt);
      if (found.length !== functionCount) throw new Error(`${found.length} functions were listed.`);
      watchMs.push(await measureWatch(studio.client));
    }
    log(`list: ${round(listMs.at(-1) ?? 0)} ms; first line of the watch: ${round(watchMs.at(-1) ?? 0)} ms`);
    const { rendererDir } = locateResources();
    const host = await startHost({ engine: studio.core, rendererDir, roots: ['/'], log: () => undefined });
    ends.push(host.close);
    const browser = await launchChromium();
    ends.push(() => browser.close());
    const drawn = await measureWindow(browser, host.url, { runs, counts: proxy.counts, log });
    return {
      functions: functionCount,
      nodes: nodeCount,
      listMs: summarize(listMs),
      watchMs: summarize(watchMs),
      ...drawn,
    };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

type Cluster = Awaited<ReturnType<typeof startCluster>>;

/** kwok's controller, for the nodes that are its own. Shape: ends it. */
function startKwok(kubeconfig: string): () => Promise<void> {
  const args = ['--kubeconfig', kubeconfig, '--manage-all-nodes=false', '--manage-nodes-with-label-selector=type=kwok'];
  // Lists as streams need a newer etcd than Debian's.
  const env = { ...process.env, KUBE_FEATURE_WatchListClient: 'false' };
  const child: ChildProcess = spawn(goToolPath('kwok'), args, { stdio: 'ignore', env });
  return async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
}

/** Makes the nodes and the functions, and waits until each has its pod. */
async function fill(cluster: Cluster, home: string, log: (line: string) => void): Promise<void> {
  const nodes = Array.from({ length: nodeCount }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `kwok-${index}`, labels: { type: 'kwok' }, annotations: { 'kwok.x-k8s.io/node': 'fake' } },
    spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
    status: {
      allocatable: { cpu: '32', memory: '256Gi', pods: '110' },
      capacity: { cpu: '32', memory: '256Gi', pods: '110' },
    },
  }));
  const config = projectConfigSchema.parse({ name: 'f', runtime: 'ember', memoryMiB: 64 });
  const deployments = Array.from({ length: functionCount }, (_, index) => {
    const [deployment] = makeWorkload({
      ...{ workload: 'deployment', config: { ...config, name: nameOf(index) }, target: { pullSecret: null } },
      ...{
        namespace: 'default',
        image: `registry.example/f@sha256:${'0'.repeat(64)}`,
        imageId: 'none',
        runtime: 'ember',
      },
      ...{ replicas: 1, deployedAt: new Date().toISOString(), kvmResource: null },
    });
    return withTemplateSpec(deployment, {
      nodeSelector: { type: 'kwok' },
      tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
    });
  });
  const path = join(home, 'many.json');
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...nodes, ...deployments] }));
  await cluster.kubectl('create', '-f', path);
  log(`${functionCount} functions on ${nodeCount} nodes are made`);
  // Busy machines let kwok's nodes miss a heartbeat: that pods are made is enough, and that they change is no harm.
  await cluster.kubectl('wait', '--for=jsonpath={.status.replicas}=1', 'deployment', '--all', '--timeout=300s');
  log('each has its pod');
}

const nameOf = (index: number) => `function-${String(index).padStart(3, '0')}`;

function withTemplateSpec(object: unknown, more: object): unknown {
  const deployment = object as { readonly spec: { readonly template: { readonly spec: object } } };
  const { spec } = deployment;
  return { ...deployment, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, ...more } } } };
}

/** Stands before the API server and counts what it is asked. */
async function countRequests(kubeconfig: string, home: string) {
  const file = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  const [{ cluster }] = file.clusters;
  const ca = readFileSync(cluster['certificate-authority']);
  const target = new URL(cluster.server);
  const counts = { lists: 0, watches: 0 };
  const server = createServer((asked, answer) => {
    const isWatch = asked.url?.includes('watch=') ?? false;
    counts[isWatch ? 'watches' : 'lists'] += 1;
    const sent = request({
      host: target.hostname,
      port: target.port,
      path: asked.url,
      method: asked.method,
      headers: asked.headers,
      ca,
    });
    sent.on('response', (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      answer.flushHeaders();
      got.pipe(answer);
    });
    sent.on('error', () => answer.destroy());
    answer.on('close', () => sent.destroy());
    asked.pipe(sent);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const path = join(home, 'counted.kubeconfig');
  file.clusters[0].cluster = { server: `http://127.0.0.1:${port}` };
  writeFileSync(path, JSON.stringify(file));
  return {
    kubeconfig: path,
    counts,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

type Client = Awaited<ReturnType<typeof openStudio>>['client'];

async function measureWatch(client: Client): Promise<number> {
  const startedAt = performance.now();
  let close = () => {};
  const took = await new Promise<number>((resolve) => {
    const stream = client.openStream('deploy:watch', { target: 'many' }, (chunk) => {
      if (Buffer.from(chunk).includes('\n')) resolve(performance.now() - startedAt);
    });
    close = () => stream.close();
  });
  close();
  return took;
}

const table = 'table[aria-label="Functions on many"]';

/** The page of deployed functions in a window that is opened anew for each run, and then left alone for a minute. */
async function measureWindow(
  browser: Browser,
  url: string,
  { runs, counts, log }: { runs: number; counts: { lists: number; watches: number }; log: (line: string) => void },
) {
  const drawMs: number[] = [];
  for (let run = 1; ; run += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    await page.goto(url);
    await page.getByRole('button', { name: 'Where to deploy' }).waitFor();
    // The window still loads its editor.
    await page.waitForLoadState('networkidle');
    const startedAt = await page.evaluate(() => performance.now());
    await page.keyboard.press('Control+8');
    const endedAt = await page.evaluate(
      async ([table, count]) => {
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        // A heading and the functions, of which the rows in view are drawn.
        const isDrawn = () =>
          document.querySelector(`${table}[aria-rowcount="${count + 1}"] tbody tr[data-index]`) !== null;
        while (!isDrawn()) await frame();
        await frame();
        await frame();
        return performance.now();
      },
      [table, functionCount] as const,
    );
    drawMs.push(endedAt - startedAt);
    log(`${run}/${runs}: drawn after ${round(endedAt - startedAt)} ms`);
    if (run === runs) {
      const before = { ...counts };
      await page.waitForTimeout(quietMs);
      const requests = { lists: counts.lists - before.lists, watches: counts.watches - before.watches };
      await context.close();
      return { drawMs: summarize(drawMs), requestsInAMinute: requests };
    }
    await context.close();
  }
}

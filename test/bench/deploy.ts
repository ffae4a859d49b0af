import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addClosureFile, closureToTree, resolveClosure } from '@firstlight/elf';
import { createFileTree } from '@firstlight/files';
import { composeImage, parseReference, pushImage, writeLayer } from '@firstlight/oci';
import type { DeployResult } from '#shared/model/deploy.ts';
import { startCluster, whyNoCluster } from '../cluster/cluster.mjs';
import { makeHome, openStudio, removeHome } from '../integration/studio.ts';
import type { BenchOptions } from './options.ts';

/** Units: ms from the call of `deploy:start` to its answer, in which the function has answered once. */
interface Deploys {
  readonly medianMs: number;
  readonly steps: Readonly<Record<string, number>>;
  /** Our own part: all except the rollout and the call. */
  readonly ownMs: number;
  readonly uploadedBytes: number;
}

/** The result of `benchDeploy` on the test cluster, where guests are emulated. */
export interface DeployBench {
  /** The first deploy: no part was in the registry or packed before. */
  readonly first: Deploys;
  /** After an edit of one line. */
  readonly edited: Deploys;
  /**
   * The same function as a plain container on Node.js: from `kubectl apply` of a new pod to its first answer. Its image is on
   * the node already, so it needs no build and no push. Units: ms.
   */
  readonly plainContainerMs: number;
  /** The pods' memory, as counted by the kubelet. Units: bytes. */
  readonly podBytes: { readonly function: number; readonly plain: number };
  readonly runs: number;
}

const source = (count: number) => `export default () => ({ count: ${count} });\n`;

/** From the click to the first answer of a pod, and the same after an edit, beside a plain container. */
export async function benchDeploy({ runs = 5, log }: BenchOptions): Promise<DeployBench> {
  const reason = whyNoCluster();
  if (reason !== null) throw new Error(`There is no cluster to measure on: ${reason}.`);
  const home = makeHome();
  const cluster = await startCluster();
  try {
    const { host, auth, user, password, caPath } = cluster.registry;
    const docker = join(home, 'docker');
    mkdirSync(docker, { recursive: true });
    writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    const secret = ['create', 'secret', 'docker-registry', 'pull', `--docker-server=${host}`];
    await cluster.kubectl(...secret, `--docker-username=${user}`, `--docker-password=${password}`);
    const studio = await openStudio({ home, env: { ...process.env, DOCKER_CONFIG: docker } });
    try {
      const registry = { registry: `${host}/functions`, registryCa: caPath, pullSecret: 'pull' };
      await studio.client.call('targets:add', {
        name: 'b',
        kind: 'kubernetes',
        kubeconfig: cluster.kubeconfig,
        ...registry,
      });
      const project = await studio.project('counter', source(0));
      const deploy = () => studio.client.call('deploy:start', { projectId: project.id, target: 'b' });
      const image = await pushPlain(cluster, home);
      const first = await deploy();
      log(`first: ${Math.round(totalOf(first))} ms`);
      const edited: DeployResult[] = [];
      const plain: number[] = [];
      for (let run = 1; run <= runs; run++) {
        writeFileSync(join(project.dir, 'handler.ts'), source(run));
        edited.push(await deploy());
        plain.push(await applyPlain(cluster, image, home, run));
        log(
          `edit ${run} of ${runs}: ${Math.round(totalOf(edited.at(-1) ?? first))} ms; plain: ${Math.round(plain.at(-1) ?? 0)} ms`,
        );
      }
      return {
        first: summarize([first]),
        edited: summarize(edited),
        plainContainerMs: Math.round(median(plain)),
        podBytes: { function: await memoryOf(cluster, 'counter'), plain: await memoryOf(cluster, 'plain') },
        runs,
      };
    } finally {
      await studio.close();
    }
  } finally {
    await cluster.stop();
    removeHome(home);
  }
}

type Cluster = Awaited<ReturnType<typeof startCluster>>;

const totalOf = ({ steps }: DeployResult): number => steps.reduce((sum, { durationMs }) => sum + durationMs, 0);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function summarize(deploys: readonly DeployResult[]): Deploys {
  const names = deploys[0]?.steps.map(({ name }) => name) ?? [];
  const of = (name: string) =>
    Math.round(median(deploys.map(({ steps }) => steps.find((step) => step.name === name)?.durationMs ?? 0)));
  const steps = Object.fromEntries(names.map((name) => [name, of(name)]));
  const ownMs = ['build', 'image', 'push', 'apply'].reduce((sum, name) => sum + (steps[name] ?? 0), 0);
  return {
    medianMs: Math.round(median(deploys.map(totalOf))),
    steps,
    ownMs,
    uploadedBytes: median(deploys.map(({ pushedBytes }) => pushedBytes)),
  };
}

/** Node.js of this machine with its libraries, and a server that runs the function. */
async function pushPlain({ registry }: Cluster, home: string): Promise<string> {
  const builder = createFileTree();
  const node = await resolveClosure(realpathSync(process.execPath));
  closureToTree(node, builder);
  for (const library of node.libraries) addClosureFile(builder, library);
  const server = `const handler = ${source(0).replace('export default', '')}
require('http').createServer((_, answer) => answer.end(JSON.stringify(handler()))).listen(8080);`;
  const data = Buffer.from(server);
  builder.add('/server.js', { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
  const blobsDir = join(home, 'plain');
  mkdirSync(blobsDir, { recursive: true });
  const layer = await writeLayer(builder.tree, blobsDir, {
    modeOf: (path) => (path === '/server.js' ? 0o644 : undefined),
  });
  const image = composeImage({
    layers: [layer],
    settings: { entrypoint: [realpathSync(process.execPath), '/server.js'], user: '65532:65532', exposedPorts: [8080] },
    annotations: {},
  });
  const reference = parseReference(`docker://${registry.host}/functions/plain:1`, '/');
  if (reference.kind !== 'registry') throw new Error('The registry of the cluster has an address of another kind.');
  const credentials = async () => registry.auth;
  return (await pushImage(reference, image, { credentials, ca: readFileSync(registry.caPath, 'utf8') })).reference;
}

/** Applies the manifest as a new pod. Units: ms until that pod has answered. */
async function applyPlain({ kubectl }: Cluster, image: string, home: string, run: number): Promise<number> {
  const labels = { app: 'plain' };
  const ports = [{ name: 'http', containerPort: 8080 }];
  const readinessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 };
  const spec = { imagePullSecrets: [{ name: 'pull' }], containers: [{ name: 'plain', image, ports, readinessProbe }] };
  const template = { metadata: { labels, annotations: { run: String(run) } }, spec };
  const items = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'plain' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'plain' },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    },
  ];
  const file = join(home, 'plain.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const startedAt = performance.now();
  await kubectl('apply', '-f', file);
  await kubectl('rollout', 'status', 'deployment/plain');
  await kubectl('get', '--raw', '/api/v1/namespaces/default/services/plain:http/proxy/');
  return performance.now() - startedAt;
}

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string };
    readonly memory?: { readonly workingSetBytes?: number };
  }[];
}

/** The memory of a function's pod; the kubelet measures every ten seconds. */
async function memoryOf({ kubectl, nodeName }: Cluster, name: string): Promise<number> {
  for (;;) {
    const { pods } = JSON.parse(
      await kubectl('get', '--raw', `/api/v1/nodes/${nodeName}/proxy/stats/summary`),
    ) as Summary;
    const bytes = pods.find(({ podRef }) => podRef.name.startsWith(`${name}-`))?.memory?.workingSetBytes ?? 0;
    if (bytes > 0) return bytes;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

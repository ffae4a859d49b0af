/** The cluster of a test: one of our own, or that of a person, which `FIRSTLIGHT_KUBECONFIG` names. */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCluster, whyNoCluster } from './cluster.mjs';
import { nodeProgramPath } from './node-program.mjs';

export interface TestCluster {
  /** Its context's namespace is that of the test. */
  readonly kubeconfig: string;
  readonly registry: {
    readonly host: string;
    /** Where functions are pushed to, with the host. */
    readonly repository: string;
    readonly user: string;
    readonly password: string;
    /** For docker's configuration. */
    readonly auth: string;
    readonly caPath: string | null;
  };
  /** What only our own cluster has. */
  readonly own: { readonly dir: string; readonly nodeName: string; readonly ingressSocket: string } | null;
  readonly kubectl: (...args: string[]) => Promise<string>;
  readonly stop: () => Promise<void>;
}

const { FIRSTLIGHT_KUBECONFIG: usersKubeconfig } = process.env;
const registryVariables = ['FIRSTLIGHT_REGISTRY', 'FIRSTLIGHT_REGISTRY_USER', 'FIRSTLIGHT_REGISTRY_PASSWORD'];
const run = promisify(execFile);

/** The reason why a test of what changes a cluster as a whole, or needs a part of ours, does not run; else null. */
export const whyNotOwn = (): string | null =>
  usersKubeconfig === undefined
    ? null
    : 'it changes a cluster as a whole, or needs parts of ours, and FIRSTLIGHT_KUBECONFIG names a cluster of yours';

/** The reason why there is no cluster for tests, or null. */
export function whyNoTestCluster(): string | null {
  if (usersKubeconfig === undefined) return whyNoCluster();
  if (!existsSync(usersKubeconfig)) return `FIRSTLIGHT_KUBECONFIG names ${usersKubeconfig}, which is not there`;
  const missing = registryVariables.filter((name) => !process.env[name]);
  if (missing.length > 0) return `with FIRSTLIGHT_KUBECONFIG, tests also need ${missing.join(', ')}`;
  return findKubectl() === null ? 'with FIRSTLIGHT_KUBECONFIG, tests need kubectl' : null;
}

/** Starts our cluster, or makes a namespace on that of a person. `stop` ends the one, and removes the other. */
export async function startTestCluster(parts: Parameters<typeof startCluster>[0] = {}): Promise<TestCluster> {
  if (usersKubeconfig !== undefined) return await openUsersCluster(usersKubeconfig);
  const cluster = await startCluster(parts);
  const { dir, kubeconfig, kubectl, stop, nodeName, ingressSocket, registry } = cluster;
  const repository = `${registry.host}/functions`;
  return { kubeconfig, kubectl, stop, registry: { ...registry, repository }, own: { dir, nodeName, ingressSocket } };
}

async function openUsersCluster(path: string): Promise<TestCluster> {
  const [program = '', ...first] = findKubectl() ?? [];
  const kubectlWith =
    (config: string) =>
    async (...args: string[]) => {
      try {
        return (await run(program, [...first, '--kubeconfig', config, ...args], { maxBuffer: 64 << 20 })).stdout;
      } catch (thrown) {
        const stderr = thrown instanceof Error && 'stderr' in thrown ? String(thrown.stderr) : String(thrown);
        throw new Error(`kubectl ${args.join(' ')}: ${stderr}`, { cause: thrown });
      }
    };
  const onCluster = kubectlWith(path);
  const namespace = `firstlight-test-${randomBytes(4).toString('hex')}`;
  const config = JSON.parse(await onCluster('config', 'view', '--raw', '--minify', '--flatten', '--output=json')) as {
    contexts: { context: { namespace?: string } }[];
  };
  for (const { context } of config.contexts) context.namespace = namespace;
  const dir = mkdtempSync(join(tmpdir(), 'fl-users-cluster-'));
  const kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  const removeDir = () => rmSync(dir, { recursive: true, force: true });
  try {
    await onCluster('create', 'namespace', namespace);
  } catch (thrown) {
    removeDir();
    throw thrown;
  }
  const [repository = '', user = '', password = ''] = registryVariables.map((name) => process.env[name] ?? '');
  return {
    kubeconfig,
    kubectl: kubectlWith(kubeconfig),
    registry: {
      ...{ repository, user, password, host: repository.split('/')[0] ?? '' },
      auth: Buffer.from(`${user}:${password}`).toString('base64'),
      caPath: process.env.FIRSTLIGHT_REGISTRY_CA ?? null,
    },
    own: null,
    stop: async () => {
      try {
        await onCluster('delete', 'namespace', namespace, '--wait=true');
      } finally {
        removeDir();
      }
    },
  };
}

/** The kubectl of the search path, or the one in the program of our cluster. Shape: null when there is none. */
function findKubectl(): readonly string[] | null {
  if (spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0) return ['kubectl'];
  return existsSync(nodeProgramPath()) ? [nodeProgramPath(), 'kubectl'] : null;
}

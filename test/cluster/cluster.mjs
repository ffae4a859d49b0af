// A real one-node Kubernetes for tests and for trial deploys at home, with a registry beside it.
// `npm run cluster` starts one and prints its use; the end of that process ends all parts.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { makeOwnedDir } from '../../build/owned-dirs.mjs';
import { setUp } from '../../build/setup.mjs';
import { findMissing, systemdDir } from '../../build/setup-packages.mjs';
import { registryPassword, registryUser, writeClusterFiles } from './cluster-files.mjs';
import { buildGoTool, goTools } from './go-tool.mjs';
import { buildKnative, knativeImages } from './knative/build.mjs';
import { installKnative } from './knative/install.mjs';
import { buildNodeProgram, findGo, nodeProgramPath } from './node-program.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const readyTimeoutMs = 180_000;

/** The reason why no cluster can start here, or null. With `built`, a missing build is a reason too. */
export function whyNoCluster({ built = true } = {}) {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root: its node has namespaces of its own';
  const missing = findMissing('cluster', { exists: (path) => path !== systemdDir && existsSync(path) });
  if (missing.length > 0) return `it needs ${missing.map((need) => need.package).join(', ')} (Debian packages)`;
  if (!canIsolate()) return 'it needs network namespaces with a pair of interfaces, which cannot be made here';
  if (existsSync(nodeProgramPath())) return null;
  if (findGo() === null) return 'it is built with Go, which is not installed';
  return built ? 'it is not built yet: npm run cluster -- --build' : null;
}

/** True when the node can get its own network: in a container without the rights for it, root is not enough. */
function canIsolate() {
  const pair = ['ip', 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other'];
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc'];
  return spawnSync('unshare', [...namespaces, ...pair], { stdio: 'ignore' }).status === 0;
}

/**
 * Starts a cluster and waits until its node is ready. With `kvm`, a device plugin offers this machine's /dev/kvm;
 * with `knative`, Knative Serving runs on it, whose ingress is `ingressSocket`; with `nodeGraceSeconds`, a node that is
 * silent for so long counts as lost, not for 50 s. `runtimes` are handlers of RuntimeClasses with their programs.
 *
 * Shape: `host` is the registry's, on loopback here and on the node alike; `auth` is for docker's configuration.
 * Errors: throws with the last output of the part that did not start.
 */
export async function startCluster({
  log = () => {},
  kvm = false,
  knative = false,
  nodeGraceSeconds = 50,
  runtimes = {},
} = {}) {
  const program = buildNodeProgram({ log });
  const dir = await makeOwnedDir('/tmp/fl-cluster-');
  const api = await forward(join(dir, 'api.sock'));
  const registry = await forward(join(dir, 'registry.sock'));
  const images = knative ? knativeImages() : [];
  const ports = { apiPort: api.port, registryPort: registry.port };
  const files = writeClusterFiles(dir, { program, ...ports, kvm, images, nodeGraceSeconds, runtimes });
  const child = spawn(
    'unshare',
    [
      ...['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL', '--mount-proc'],
      ...[process.execPath, join(here, 'inside.mjs'), dir],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.stdin.destroy();
    child.kill('SIGTERM');
    await exited;
    await Promise.all([api.close(), registry.close()]);
    removeCgroups();
    rmSync(dir, { recursive: true, force: true });
  };
  const kubectl = (...args) => runKubectl(program, ['kubectl', '--kubeconfig', files.kubeconfig, ...args]);
  try {
    await waitFor(child, exited);
    if (knative) await installKnative({ dir, kubectl });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    dir,
    kubeconfig: files.kubeconfig,
    nodeName: files.nodeName,
    registry: {
      host: `127.0.0.1:${registry.port}`,
      caPath: files.caPath,
      user: registryUser,
      password: registryPassword,
      auth: Buffer.from(`${registryUser}:${registryPassword}`).toString('base64'),
    },
    ingressSocket: join(dir, 'ingress.sock'),
    kubectl,
    stop,
  };
}

/** Runs kubectl without blocking this process, which forwards the API's port. Errors: throws with kubectl's output. */
async function runKubectl(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject)),
  ]);
  if (code !== 0) throw new Error(`kubectl ${args.slice(3).join(' ')}: ${stderr}`);
  return stdout;
}

/** Waits for the line `ready` of the process inside. */
function waitFor(child, exited) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The cluster was not ready in time.')), readyTimeoutMs);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
      if (!/^ready$/m.test(said)) return;
      clearTimeout(timer);
      resolve();
    });
    exited.then(() => {
      clearTimeout(timer);
      reject(new Error(`The cluster ended before it was ready:\n${said.slice(-3000)}`));
    });
  });
}

/** Forwards a loopback port of this machine to a socket inside, which has a separate network. */
async function forward(socketPath) {
  const open = new Set();
  const server = createServer((outer) => {
    const inner = createConnection(socketPath);
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ]) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: server.address().port,
    close: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The kubelet's cgroups outlive its processes; one that another cluster uses cannot be removed and stays. */
function removeCgroups() {
  spawnSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', '*/kubepods*', '-exec', 'rmdir', '{}', ';'], {
    stdio: 'ignore',
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const log = (line) => process.stderr.write(`${line}\n`);
  // Where no Go can build the cluster, or no namespaces can be made, packages would be of no use.
  if (process.getuid?.() === 0 && findGo() !== null) await setUp('cluster');
  const why = whyNoCluster({ built: false });
  if (why !== null) {
    log(`No cluster can be started here: ${why}.`);
    process.exit(3);
  }
  if (process.argv.includes('--build')) {
    buildNodeProgram({ log });
    process.exit(0);
  }
  if (process.argv.includes('--build-knative')) {
    buildKnative({ log });
    process.exit(0);
  }
  const tool = Object.keys(goTools).find((name) => process.argv.includes(`--build-${name}`));
  if (tool !== undefined) {
    buildGoTool(tool, { log });
    process.exit(0);
  }
  const knative = process.argv.includes('--knative');
  if (knative) buildKnative({ log });
  const cluster = await startCluster({ log, kvm: existsSync('/dev/kvm'), knative });
  log(`A Kubernetes node is ready. Try:
  export KUBECONFIG=${cluster.kubeconfig}
  ${nodeProgramPath()} kubectl get nodes
  echo ${cluster.registry.password} | docker login ${cluster.registry.host} --username ${cluster.registry.user} --password-stdin
  firstlight target add home --kubeconfig ${cluster.kubeconfig} --registry ${cluster.registry.host}/functions --registry-ca ${cluster.registry.caPath}
  firstlight deploy ./hello --target home
${
  knative
    ? `Knative Serving is installed. A function's own address, through the ingress:
  curl --unix-socket ${cluster.ingressSocket} http://FUNCTION.default.functions.test/
`
    : ''
}Ctrl-C ends it.`);
  const end = () => void cluster.stop().then(() => process.exit(0));
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

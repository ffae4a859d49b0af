// Process 1 of the test cluster's namespaces: starts its parts in order and prints `ready`. All parts end with its
// stdin.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeImageArchive } from './image-archive.mjs';
import { serveDns } from './knative/dns.mjs';
import { serveIngress } from './knative/ingress.mjs';
import { kvmResource, offerKvm } from './kvm-plugin.mjs';

const dir = process.argv[2];
const at = (name) => join(dir, name);
const settings = JSON.parse(readFileSync(at('settings.json'), 'utf8'));
const { program, nodeName, nodeIp, serviceRange, podRange, nodeGraceSeconds } = settings;
const stepTimeoutMs = 60_000;

process.stdin.on('end', () => process.exit(0)).resume();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

function run(file, ...args) {
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

/** Starts a part whose output goes to a file; its end is the end of the cluster. */
function start(name, file, args, env = {}) {
  const log = openSync(at(`${name}.log`), 'w');
  const child = spawn(file, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } });
  child.once('exit', (code) => {
    const words = readFileSync(at(`${name}.log`), 'utf8')
      .split('\n')
      .slice(-15)
      .join('\n');
    process.stdout.write(`${name} ended with ${code}:\n${words}\n`);
    process.exit(1);
  });
}

async function until(what, test) {
  for (const end = Date.now() + stepTimeoutMs; Date.now() < end; await sleep(50)) if (await test()) return;
  throw new Error(`${what} was not ready in time.`);
}

const answers = (url, headers = {}, { method = 'GET', body } = {}) =>
  new Promise((resolve) => {
    const asked = request(url, { method, headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    asked.on('error', () => resolve(null));
    asked.end(body);
  });

function setUpNetwork() {
  run('ip', 'link', 'set', 'lo', 'up');
  // A pair with an unused other end: a dummy interface needs a kernel module that some machines lack.
  run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0-end');
  run('ip', 'link', 'set', 'eth0-end', 'up');
  run('ip', 'addr', 'add', `${nodeIp}/24`, 'dev', 'eth0');
  run('ip', 'link', 'set', 'eth0', 'up');
  run('ip', 'route', 'add', 'default', 'dev', 'eth0');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

function setUpMounts() {
  run('mount', '--make-rshared', '/');
  for (const path of ['/var/log', '/etc/cni', '/var/lib/cni', '/run/containerd', '/var/lib/kubelet', '/run/netns']) {
    mkdirSync(path, { recursive: true });
    run('mount', '-t', 'tmpfs', 'tmpfs', path);
  }
  run('mount', '--make-rshared', '/var/lib/kubelet');
  mkdirSync('/etc/cni/net.d', { recursive: true });
  copyFileSync(at('cni.conflist'), '/etc/cni/net.d/10-test.conflist');
}

/** The image of the process that keeps a pod's namespaces: one static program. */
function importPause() {
  const source =
    '#include <unistd.h>\n#include <signal.h>\nstatic void end(int s){(void)s;_exit(0);}\nint main(void){signal(SIGTERM,end);signal(SIGINT,end);for(;;)pause();}\n';
  mkdirSync(at('pause/root'), { recursive: true });
  writeFileSync(at('pause/pause.c'), source);
  run('gcc', '-O2', '-static', '-s', '-o', at('pause/root/pause'), at('pause/pause.c'));
  writeImageArchive(at('pause.tar'), { name: 'firstlight.test/pause:1', programPath: at('pause/root/pause') });
  importImage(at('pause.tar'));
}

const importImage = (path) =>
  run('ctr', '-a', '/run/containerd/containerd.sock', '-n', 'k8s.io', 'images', 'import', path);

function startApiServer() {
  start('kube-apiserver', program, [
    'kube-apiserver',
    '--etcd-servers=http://127.0.0.1:2379',
    `--token-auth-file=${at('tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    `--advertise-address=${nodeIp}`,
    '--secure-port=6443',
    `--tls-cert-file=${at('server.crt')}`,
    `--tls-private-key-file=${at('server.key')}`,
    `--service-cluster-ip-range=${serviceRange}`,
    `--service-account-key-file=${at('accounts.key')}`,
    `--service-account-signing-key-file=${at('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--kubelet-preferred-address-types=InternalIP',
    '--allow-privileged=true',
  ]);
}

function startControllers() {
  start('kube-controller-manager', program, [
    'kube-controller-manager',
    `--kubeconfig=${at('admin.kubeconfig')}`,
    `--service-account-private-key-file=${at('accounts.key')}`,
    `--root-ca-file=${at('ca.crt')}`,
    '--leader-elect=false',
    `--service-cluster-ip-range=${serviceRange}`,
    '--horizontal-pod-autoscaler-sync-period=2s',
    `--node-monitor-grace-period=${nodeGraceSeconds}s`,
  ]);
  start('kube-scheduler', program, [
    'kube-scheduler',
    `--kubeconfig=${at('admin.kubeconfig')}`,
    '--leader-elect=false',
  ]);
}

function startNode() {
  start('kubelet', program, [
    'kubelet',
    `--config=${at('kubelet.json')}`,
    `--kubeconfig=${at('node.kubeconfig')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${nodeIp}`,
    `--root-dir=/var/lib/kubelet`,
  ]);
  start('kube-proxy', program, [
    'kube-proxy',
    `--kubeconfig=${at('admin.kubeconfig')}`,
    `--hostname-override=${nodeName}`,
    `--cluster-cidr=${podRange}`,
    '--proxy-mode=iptables',
    '--conntrack-max-per-core=0',
  ]);
}

/** Serves a socket that is reachable from this machine's other network too. */
function serveSocket(name, host, port) {
  createServer((outer) => {
    const inner = createConnection(port, host);
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ]) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  }).listen(at(name));
}

const token = { authorization: 'Bearer test-admin-token' };
/** The JSON of the API server's answer, or null. */
async function api(path, { method, body } = {}) {
  const type = body === undefined ? {} : { 'content-type': 'application/merge-patch+json' };
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await answers(`https://${nodeIp}:6443${path}`, { ...token, ...type }, { method, body: text });
  return answer?.status === 200 ? JSON.parse(answer.text) : null;
}

/** The addresses of a Service, of its pods where it has none itself; null where there is no such Service. */
async function addressesOf(service, namespace) {
  const found = await api(`/api/v1/namespaces/${namespace}/services/${service}`);
  if (found === null) return null;
  if (found.spec.clusterIP && found.spec.clusterIP !== 'None') return [found.spec.clusterIP];
  const endpoints = await api(`/api/v1/namespaces/${namespace}/endpoints/${service}`);
  return (endpoints?.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
}

const nodeStatus = async () => {
  const answer = await answers(`https://${nodeIp}:6443/api/v1/nodes/${nodeName}`, token);
  return answer?.status === 200 ? JSON.parse(answer.text).status : null;
};

const isNodeReady = async () => {
  const status = await nodeStatus();
  if (status === null) return false;
  const account = await answers(`https://${nodeIp}:6443/api/v1/namespaces/default/serviceaccounts/default`, token);
  return (
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') && account?.status === 200
  );
};

try {
  setUpNetwork();
  setUpMounts();
  start('containerd', 'containerd', ['--config', at('containerd.toml')]);
  start('etcd', 'etcd', ['--data-dir', at('etcd'), '--listen-peer-urls', 'http://127.0.0.1:2380'], {
    ETCD_UNSUPPORTED_ARCH: '',
  });
  start('registry', 'docker-registry', ['serve', at('registry.yml')], { OTEL_TRACES_EXPORTER: 'none' });
  startApiServer();
  serveSocket('api.sock', nodeIp, 6443);
  serveSocket('registry.sock', '127.0.0.1', settings.registryPort);
  await until('containerd', () => spawnSync('ctr', ['-a', '/run/containerd/containerd.sock', 'version']).status === 0);
  importPause();
  await until('The API server', async () => (await answers(`https://${nodeIp}:6443/readyz`))?.status === 200);
  startControllers();
  startNode();
  await until('The node', isNodeReady);
  if (settings.images.length > 0) {
    for (const path of settings.images) importImage(path);
    serveDns(nodeIp, addressesOf);
    serveIngress(at('ingress.sock'), { api, addressesOf });
  }
  if (settings.kvm) {
    await offerKvm();
    await until('KVM', async () => (await nodeStatus())?.allocatable?.[kvmResource] !== undefined);
  }
  process.stdout.write('ready\n');
} catch (error) {
  process.stdout.write(`${error.message}\n`);
  process.exit(1);
}

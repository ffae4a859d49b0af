// The certificates, kubeconfigs and settings of the test cluster. They are not secret: they exist for one test run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An address outside all networks: RFC 2544 reserves it for tests. */
export const nodeIp = '198.18.0.2';
const apiServiceIp = '10.96.0.1';
export const serviceRange = '10.96.0.0/16';
export const podRange = '10.244.0.0/24';

export const registryUser = 'firstlight';
export const registryPassword = 'cluster-test';
/** The bcrypt hash of the password, which docker-registry needs. */
const registryHash = '$2b$04$bNR2dW4Wc0r3Eo0eI3KvIuq.5s0aswWqbQEnaF8/nyvTqQfrY/Wze';

const adminToken = 'test-admin-token';
const nodeToken = 'test-node-token';

/** Writes all files into `dir`. Shape: the paths and names that a user of the cluster needs. */
export function writeClusterFiles(
  dir,
  { program, apiPort, registryPort, kvm = false, images = [], nodeGraceSeconds, runtimes },
) {
  const nodeName = `fl-node-${process.pid}`;
  const at = (name) => join(dir, name);
  const put = (name, content) => {
    writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
    return at(name);
  };
  makeCertificates(dir);
  const kubeconfig = (name, server, token) =>
    put(name, {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority': at('ca.crt') } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    });
  put(
    'tokens.csv',
    `${adminToken},admin,admin,system:masters\n${nodeToken},system:node:${nodeName},node,system:nodes\n`,
  );
  const inside = `https://${nodeIp}:6443`;
  kubeconfig('admin.kubeconfig', inside, adminToken);
  kubeconfig('node.kubeconfig', inside, nodeToken);
  // The images of extensions come with a DNS.
  put('kubelet.json', {
    ...kubeletConfiguration(dir),
    ...(images.length > 0 && { clusterDNS: [nodeIp] }),
    // The kubelet gives its sign of life four times within this.
    nodeLeaseDurationSeconds: Math.round(nodeGraceSeconds * 0.8),
  });
  put('containerd.toml', containerdConfiguration(dir, runtimes));
  put('htpasswd', `${registryUser}:${registryHash}\n`);
  put('registry.yml', registryConfiguration(dir, registryPort));
  mkdirSync(at(`certs.d/127.0.0.1:${registryPort}`), { recursive: true });
  put(
    `certs.d/127.0.0.1:${registryPort}/hosts.toml`,
    `server = "https://127.0.0.1:${registryPort}"\n[host."https://127.0.0.1:${registryPort}"]\n  ca = "${at('ca.crt')}"\n`,
  );
  put('cni.conflist', cniConfiguration());
  put('settings.json', {
    ...{ program, nodeName, nodeIp, registryPort, serviceRange, podRange, kvm, images, nodeGraceSeconds },
  });
  return {
    nodeName,
    caPath: at('ca.crt'),
    kubeconfig: kubeconfig('kubeconfig', `https://127.0.0.1:${apiPort}`, adminToken),
  };
}

function makeCertificates(dir) {
  const openssl = (...args) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-ca', '-days', '2');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=test-server');
  const names = `subjectAltName=IP:127.0.0.1,IP:${nodeIp},IP:${apiServiceIp},DNS:localhost,DNS:kubernetes.default.svc\n`;
  writeFileSync(join(dir, 'names.ext'), names);
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names.ext'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.crt');
  openssl('genrsa', '-out', 'accounts.key', '2048');
}

const kubeletConfiguration = (dir) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  cgroupDriver: 'cgroupfs',
  failSwapOn: false,
  failCgroupV1: false,
  enforceNodeAllocatable: [],
  cgroupsPerQOS: true,
  evictionHard: {},
  imageGCHighThresholdPercent: 100,
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  podLogsDir: join(dir, 'pod-logs'),
  resolvConf: '',
  clusterDomain: 'cluster.local',
  syncFrequency: '5s',
  nodeStatusUpdateFrequency: '2s',
  registerNode: true,
});

const containerdConfiguration = (dir, runtimes) => `version = 2
root = "${dir}/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "firstlight.test/pause:1"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  device_ownership_from_security_context = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${dir}/certs.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
${Object.entries(runtimes)
  .map(
    ([handler, path]) => `    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler}]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${handler}.options]
        BinaryName = "${path}"
`,
  )
  .join('')}`;

const registryConfiguration = (dir, port) => ({
  version: '0.1',
  log: { level: 'error' },
  storage: { filesystem: { rootdirectory: join(dir, 'registry') }, delete: { enabled: true } },
  http: { addr: `127.0.0.1:${port}`, tls: { certificate: join(dir, 'server.crt'), key: join(dir, 'server.key') } },
  auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } },
});

const cniConfiguration = () => ({
  cniVersion: '1.0.0',
  name: 'test',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: podRange }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './studio.ts';

/** The reason why no second libvirtd can start here, or null when one can. */
export function whyNoSecondLibvirtd(): string | null {
  if (process.getuid?.() !== 0) return 'not root: a second system daemon needs a mount namespace';
  if (!existsSync('/usr/sbin/libvirtd')) return 'no libvirtd';
  return spawnSync('unshare', ['--mount', 'true']).status === 0 ? null : 'no mount namespace can be made here';
}

/** A separate libvirtd, beside the one of this machine. */
export interface SecondLibvirtd {
  readonly uri: string;
  /** The names of our domains on it. */
  readonly domains: () => string[];
  readonly start: () => Promise<void>;
  /** Ends its machines whose names begin so, which a failing test may have kept. */
  readonly destroyDomains: (prefix?: string) => void;
  /** Ends the daemon; its QEMU processes stay. */
  readonly kill: () => Promise<void>;
  /** What a restart of its host comes to: all machines end, and a daemon starts that finds nothing in /run. */
  readonly reboot: () => Promise<void>;
  /** Stops the daemon without ending it: it keeps its connections and sends no answers. */
  readonly freeze: () => void;
  readonly thaw: () => void;
}

interface SecondOptions {
  /** Folders of this machine that it finds empty: it is then like another host. */
  readonly hidden?: readonly string[];
  /** The name of its host. Absent: that of this machine. */
  readonly hostName?: string;
  /** Its port for TLS on loopback, with its certificates. */
  readonly tls?: { readonly port: number; readonly ca: string; readonly cert: string; readonly key: string };
}

/** The directories of a libvirtd that two daemons must not share: its state, and the domains that are defined. */
const stateDirs = [
  ...['/run/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt'],
  '/etc/libvirt/qemu',
];

/**
 * A second libvirtd with its files in `dir`, which are mounted over its state directories: it runs in a separate mount
 * namespace. It shares images and sockets of instances with this machine, but for the hidden folders.
 */
export function createSecondLibvirtd(dir: string, { hidden = [], hostName, tls }: SecondOptions = {}): SecondLibvirtd {
  const socketDir = join(dir, 'sockets');
  const socket = join(socketDir, 'libvirt-sock');
  const uri = `qemu+unix:///system?socket=${socket}`;
  const config = join(dir, 'libvirtd.conf');
  const states = stateDirs.map((path, index) => ({ path, source: join(dir, `state${index}`) }));
  for (const path of [socketDir, ...states.map(({ source }) => source)]) mkdirSync(path, { recursive: true });
  // Without its own look at the certificates it also starts with one that has expired, as one does that runs on.
  const tlsLines =
    tls === undefined
      ? 'listen_tls = 0'
      : `listen_tls = 1\nlisten_addr = "127.0.0.1"\ntls_port = "${tls.port}"\nauth_tls = "none"\ntls_no_sanity_certificate = 1\nca_file = "${tls.ca}"\ncert_file = "${tls.cert}"\nkey_file = "${tls.key}"`;
  writeFileSync(config, `unix_sock_dir = "${socketDir}"\nauth_unix_rw = "none"\n${tlsLines}\n`);
  // It has no virtlogd, whose socket is in the state directories: QEMU writes its log itself.
  const qemuConfig = join(dir, 'qemu.conf');
  writeFileSync(qemuConfig, 'stdio_handler = "file"\n');
  const binds = [...states, { path: '/etc/libvirt/qemu.conf', source: qemuConfig }];
  const script = [
    'set -e',
    ...(hostName === undefined ? [] : [`hostname "${hostName}"`]),
    ...binds.map(({ path, source }) => `mount --bind "${source}" "${path}"`),
    ...hidden.map((path) => `mount -t tmpfs -o mode=755 tmpfs "${path}"`),
    `exec /usr/sbin/libvirtd ${tls === undefined ? '' : '--listen '}--config "${config}" --pid-file "${join(dir, 'pid')}"`,
  ].join('\n');
  let daemon: ChildProcess | null = null;

  const domains = (prefix = 'firstlight-') =>
    execFileSync('virsh', ['-c', uri, 'list', '--name'], { encoding: 'utf8' })
      .split('\n')
      .filter((name) => name.startsWith(prefix));

  const lab: SecondLibvirtd = {
    uri,
    domains: () => domains(),
    destroyDomains: (prefix) => {
      // A machine that ends by itself before this is not a failure.
      for (const name of daemon === null ? [] : domains(prefix)) spawnSync('virsh', ['-c', uri, 'destroy', name]);
    },
    reboot: async () => {
      lab.destroyDomains('');
      await lab.kill();
      for (const { path, source } of states) {
        if (!path.startsWith('/run/')) continue;
        rmSync(source, { recursive: true });
        mkdirSync(source);
      }
      await lab.start();
    },
    start: async () => {
      for (const { path, source } of states) {
        mkdirSync(path, { recursive: true });
        // libvirt's cache about QEMU: a new probe takes many seconds on a busy machine.
        if (path === '/var/cache/libvirt') cpSync(path, source, { recursive: true, force: true });
      }
      daemon = spawn('unshare', ['--mount', '--uts', '--propagation', 'private', 'sh', '-c', script], {
        stdio: 'ignore',
      });
      const isServing = () => spawnSync('virsh', ['-c', uri, 'list'], { stdio: 'ignore' }).status === 0;
      await until('the second libvirtd serves', isServing, 30_000);
    },
    kill: async () => {
      if (daemon === null) return;
      const exited = once(daemon, 'exit');
      daemon.kill('SIGKILL');
      await exited;
      daemon = null;
    },
    freeze: () => daemon?.kill('SIGSTOP'),
    thaw: () => daemon?.kill('SIGCONT'),
  };
  return lab;
}

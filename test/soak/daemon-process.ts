// Runs in a separate mount namespace, where it hides the machine's libvirt, and keeps a libvirtd there.
// `start` and `kill` come over Node's IPC; QEMU and the daemon's state outlive a kill, as they do on a machine.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess } from './home.ts';
import { processesOf } from './processes.ts';

const [dir = ''] = process.argv.slice(2);
const socketPath = join(dir, 'libvirt-sock');
const configPath = join(dir, 'libvirtd.conf');
/** A first start probes every installed QEMU. */
const startMs = 60_000;

let daemon: ChildProcess | null = null;

function hideTheOther(): void {
  for (const folder of ['/run/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt']) {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'soak', folder]);
  }
  const etc = '/etc/libvirt';
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'soak', etc]);
  // Without its own cgroups and namespaces: they would outlive the daemon.
  const qemu = ['stdio_handler = "file"', 'cgroup_controllers = []', 'namespaces = []', 'security_driver = "none"'];
  writeFileSync(join(etc, 'qemu.conf'), `${qemu.join('\n')}\n`);
  const config = { unix_sock_dir: dir, auth_unix_ro: 'none', auth_unix_rw: 'none' };
  const lines = Object.entries(config).map(([key, value]) => `${key} = "${value}"`);
  writeFileSync(configPath, `${lines.join('\n')}\n`);
}

async function start(): Promise<void> {
  const path = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;
  daemon = spawn('libvirtd', ['--config', configPath, '--pid-file', join(dir, 'libvirtd.pid')], {
    env: { PATH: path, TMPDIR: '/tmp' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const end = Date.now() + startMs; !(await isListening()); await sleep(20)) {
    if (Date.now() > end || daemon.exitCode !== null) throw new Error('libvirtd does not come up');
  }
}

function isListening(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

async function kill(): Promise<void> {
  if (daemon === null || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill('SIGKILL');
  await ended;
}

const orders = { start, kill } as const;
let order: Promise<unknown> = Promise.resolve();

process.on('message', (name: keyof typeof orders) => {
  order = order
    .then(() => orders[name]())
    .then(
      () => process.send?.({ done: name }),
      (thrown: unknown) => process.send?.({ error: String(thrown) }),
    );
});
// Its parent has ended, and with it all work here.
process.on('disconnect', () => {
  daemon?.kill('SIGKILL');
  for (const { pid, command } of processesOf(dir)) if (/^\S*qemu-system/.test(command)) endProcess(pid);
  process.exit();
});

hideTheOther();
process.send?.({ done: 'hidden' });

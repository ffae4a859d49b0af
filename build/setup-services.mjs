// The services that a domain needs before it can start: libvirt's daemons and a usable /dev/kvm.
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { log, logStep } from './log.mjs';
import { runTool } from './run-tool.mjs';
import { SetupError } from './script.mjs';

/** The sockets of the system daemon: monolithic libvirtd, then the modular QEMU daemon. */
const systemSockets = ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock'];

/** Whether a process accepts connections at a Unix socket. */
export function isListening(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.setTimeout(1000, () => settle(false));
  });
}

/** Whether the system's libvirt daemon answers. */
export async function isLibvirtUp() {
  for (const path of systemSockets) {
    if (existsSync(path) && (await isListening(path))) return true;
  }
  return false;
}

/**
 * Starts libvirt's daemons where no service manager does: as root (where every URI means the system daemon), if none
 * runs.
 *
 * Errors: throws a SetupError when a daemon does not come up.
 */
export async function startLibvirt() {
  if (existsSync('/run/systemd/system')) {
    const unit = existsSync('/usr/sbin/libvirtd') ? 'libvirtd.service' : 'virtqemud.socket';
    await logStep(`libvirt is not running: systemctl start ${unit}`, async () => {
      await runTool('systemctl', ['start', unit], { name: 'systemctl', hint: `See: systemctl status ${unit}` });
      await waitForLibvirt();
    });
    return;
  }
  await logStep('no service manager and no libvirt daemon here: starting virtlogd -d and libvirtd -d', async () => {
    // virtlogd first: libvirtd hands it each guest's standard output.
    if (!(await isListening('/run/libvirt/virtlogd-sock'))) await startDaemon('virtlogd', 'See /var/log/libvirt/.');
    await startDaemon('libvirtd', 'Try it in the foreground to see why: libvirtd -v');
    await waitForLibvirt();
  });
}

/** Starts a daemon that does not run, or that another set-up is not starting at this moment. */
async function startDaemon(name, hint) {
  if (runsAlready(name)) return;
  try {
    await runTool(name, ['-d'], { env: daemonEnv(), hint });
  } catch (error) {
    // The other one has the lock on the file with its process id, and writes that a moment later.
    for (let tries = 0; !runsAlready(name); tries++) {
      if (tries === 20) throw error;
      await sleep(50);
    }
  }
}

/** Whether a daemon's process is there, also one that does not answer yet. */
function runsAlready(name) {
  try {
    const pid = readFileSync(`/run/${name}.pid`, 'utf8').trim();
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
  } catch {
    return false;
  }
}

/** The environment for daemons: they are in sbin, and must not keep our temporary directory or npm's settings. */
function daemonEnv() {
  const path = process.env.PATH ?? '';
  return { PATH: `${path}:/usr/local/sbin:/usr/sbin:/sbin`, TMPDIR: '/tmp' };
}

async function waitForLibvirt() {
  // A first start probes every QEMU binary there is; on a slow machine that takes seconds.
  for (const giveUpAt = Date.now() + 20_000; Date.now() < giveUpAt; await sleep(50)) {
    if (await isLibvirtUp()) return;
  }
  throw new SetupError(
    'libvirtd was started, but does not answer on /run/libvirt/libvirt-sock.',
    'Try it in the foreground to see why: libvirtd -v',
  );
}

/** As root, makes the folder where libvirt locks consoles and channels, which a container with an empty /run lacks. */
export function createLockDir() {
  if (existsSync('/var/lock/.')) return;
  try {
    mkdirSync('/run/lock', { recursive: true });
    chmodSync('/run/lock', 0o1777);
    log('set-up: made /run/lock, without which libvirt opens no console');
  } catch (error) {
    log(
      `set-up: /run/lock is missing, libvirt opens no console without it, and it could not be made (${error.message}).`,
    );
  }
}

/**
 * Whether libvirt's QEMU user can open /dev/kvm, judged from the device's mode.
 *
 * Where root can and that user cannot, libvirt distrusts its capability cache and every start takes 44 s.
 */
export function needsKvmRepair(stat, kvmGroupId) {
  if (!stat) return false;
  const everyone = (stat.mode & 0o006) === 0o006;
  const group = stat.gid === kvmGroupId && (stat.mode & 0o060) === 0o060;
  return !everyone && !group;
}

/** The id of a group, or undefined. */
export function findGroupId(name, groupFile = readFileSync('/etc/group', 'utf8')) {
  const line = groupFile.split('\n').find((entry) => entry.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}

/** As root, gives /dev/kvm to the group kvm where libvirt's QEMU user could not open it, and logs that. */
export function repairKvmAccess() {
  const stat = statSync('/dev/kvm', { throwIfNoEntry: false });
  const kvmGroupId = findGroupId('kvm');
  if (!needsKvmRepair(stat, kvmGroupId)) return;
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
  const why = `/dev/kvm is ${mode} with group ${stat.gid}: libvirt's QEMU user cannot open it, so each start would take 44 s`;
  if (kvmGroupId === undefined) {
    log(`set-up: ${why}. There is no group kvm to give it to; \`npm start -- doctor\` says more.`);
    return;
  }
  try {
    chownSync('/dev/kvm', stat.uid, kvmGroupId);
    chmodSync('/dev/kvm', 0o660);
    log(`set-up: ${why}. Repaired: chgrp kvm /dev/kvm && chmod 660 /dev/kvm`);
  } catch (error) {
    log(`set-up: ${why}. It could not be repaired (${error.message}).`);
  }
}

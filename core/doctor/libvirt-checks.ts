import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTool } from '#core/exec/run-tool.ts';
import { type Finding, type Fix, ok } from '#core/runtime/check.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { isHiddenFromQemu, kvmPath, readKvmAccess } from '#core/vmm/kvm-access.ts';
import type { FirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { Check, DoctorContext } from './check.ts';
import { installPackages } from './packages.ts';

/** The checks of libvirt and of the accelerator, in order: each relies on the previous ones. */
export const libvirtChecks: readonly Check[] = [
  { id: 'kvm', title: 'KVM', look: lookAtKvm },
  { id: 'libvirt', title: 'libvirt', look: lookAtLibvirt },
  { id: 'accelerator', title: 'Accelerator', look: lookAtAccelerator },
];

const daemonFolders = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const socketPath = '/run/libvirt/libvirt-sock';
const startTimeoutMs = 10_000;

async function lookAtKvm({ uid, userName }: DoctorContext): Promise<Finding> {
  const device = await readKvmAccess();
  if (device === null) {
    return {
      status: 'warning',
      found: `There is no ${kvmPath}`,
      why: 'Guests are emulated, which is slower. On a virtual machine, its host decides about nested virtualisation.',
    };
  }
  const mode = `${kvmPath} has mode ${device.mode.toString(8).padStart(4, '0')}, group ${device.gid}`;
  if (uid === 0 && isHiddenFromQemu(device)) {
    return {
      status: 'warning',
      found: `${mode}: root may use it, and libvirt's QEMU may not`,
      why: 'libvirt then forgets all it knows of QEMU at every start, and each start takes about 44 s.',
      fix: {
        label: 'Give the device to group kvm.',
        command: `chgrp kvm ${kvmPath} && chmod 660 ${kvmPath}`,
        apply: async () => {
          await runTool('chgrp', ['kvm', kvmPath]);
          await runTool('chmod', ['660', kvmPath]);
        },
      },
    };
  }
  try {
    await access(kvmPath, constants.R_OK | constants.W_OK);
    return ok(mode);
  } catch {
    return {
      status: 'warning',
      found: `${mode}: this user may not use it`,
      why: 'Guests are emulated, which is slower.',
      fix: { label: 'Join group kvm, and log in again.', command: `sudo usermod -aG kvm ${userName}` },
    };
  }
}

async function lookAtLibvirt(context: DoctorContext): Promise<Finding> {
  const { vmm } = context.hosts.local;
  try {
    await vmm.connect();
    const { libvirt = 'of unknown version' } = await vmm.readVersions();
    return ok(`libvirt ${libvirt} at ${vmm.uri}`, { libvirt });
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    const why = 'It starts and stops the virtual machines.';
    const fix = findLibvirtFix(context, error);
    if (fix !== null) return { status: 'failed', found: error.message, why, fix };
    return {
      status: 'failed',
      found: error.message,
      why: `${why} ${error.hint ?? ''}`.trim(),
      ...(vmm.isElsewhere && {
        fix: { label: 'Repair it there, or use the libvirt of this machine.', command: 'unset FIRSTLIGHT_URI' },
      }),
    };
  }
}

/** The fix that this machine can make; its daemon and its groups change nothing elsewhere. */
function findLibvirtFix(context: DoctorContext, error: FirstlightError): Fix | null {
  if (context.hosts.local.vmm.isElsewhere) return null;
  return error.code === 'LIBVIRT_DENIED' ? joinGroup(context) : startDaemon(context, error);
}

function joinGroup({ userName }: DoctorContext): Fix {
  return {
    label: 'Join group libvirt and log in again, or use your own daemon (qemu:///session).',
    command: `sudo usermod -aG libvirt ${userName}`,
  };
}

/** The fix for a daemon that does not run: install it, have the service manager start it, or start it by hand. */
function startDaemon({ uid, hosts }: DoctorContext, error: FirstlightError): Fix | null {
  if (error.code !== 'LIBVIRT_UNREACHABLE' && error.code !== 'LIBVIRT_LOST') return null;
  const libvirtd = findDaemon('libvirtd');
  if (libvirtd === null) return installPackages(['libvirt-daemon-system'], uid);
  if (hosts.local.vmm.runsAsThisUser) {
    return { label: 'Read the output of the daemon.', command: `${libvirtd} --timeout=120` };
  }
  if (existsSync('/run/systemd/system')) {
    const fix = { label: 'Start the libvirt daemon.', command: `${uid === 0 ? '' : 'sudo '}systemctl start libvirtd` };
    if (uid !== 0) return fix;
    return {
      ...fix,
      apply: async () => {
        await runTool('systemctl', ['start', 'libvirtd']);
      },
    };
  }
  // virtlogd first: libvirtd asks it to keep QEMU's log.
  const virtlogd = findDaemon('virtlogd');
  const daemons = [...(virtlogd === null ? [] : [virtlogd]), libvirtd];
  const command = daemons.map((path) => `${path} -d`).join(' && ');
  const fix = { label: 'Start the libvirt daemon (no service manager runs here).', command };
  if (uid !== 0) return { ...fix, command: `sudo sh -c '${command}'` };
  return { ...fix, apply: () => startByHand(daemons) };
}

async function startByHand(daemons: readonly string[]): Promise<void> {
  for (const path of daemons) {
    try {
      await runTool(path, ['-d'], { timeoutMs: startTimeoutMs });
    } catch (thrown) {
      // A daemon that runs already makes this one fail to lock its pid file; the next check reports whether it serves.
      const error = toFirstlightError(thrown);
      if (!/pid file|already running/i.test(`${error.message} ${error.details.output ?? ''}`)) throw error;
    }
  }
  const deadline = performance.now() + startTimeoutMs;
  while (!existsSync(socketPath) && performance.now() < deadline) await sleep(50);
}

const findDaemon = (name: string): string | null =>
  daemonFolders.map((dir) => `${dir}/${name}`).find((path) => existsSync(path)) ?? null;

async function lookAtAccelerator({ hosts, runtimes, fresh }: DoctorContext): Promise<Finding> {
  const { accelerator, vmm } = hosts.local;
  if (vmm.state !== 'connected') {
    return { status: 'warning', found: 'not known', why: 'It is probed once libvirt is connected.' };
  }
  try {
    const choices = new Map<string, RuntimeId[]>();
    let isEmulating = false;
    for (const { id: runtime } of runtimes) {
      const choice = await (fresh ? accelerator.probeAgain(runtime) : accelerator.choose(runtime)).catch(
        noKernelAsNull,
      );
      // The runtime's own check reports that its kernel is not installed.
      if (choice === null) continue;
      const { kind, reason, details } = choice;
      isEmulating ||= kind === 'tcg';
      const words = `${kind === 'kvm' ? 'KVM' : 'Emulation'}: ${reason}${details === undefined ? '' : ` (${details})`}`;
      choices.set(words, [...(choices.get(words) ?? []), runtime]);
    }
    const found = [...choices]
      .map(([words, ids]) =>
        choices.size === 1 && ids.length === runtimes.length ? words : `${ids.join(', ')}: ${words}`,
      )
      .join('; ');
    if (!isEmulating || !existsSync(kvmPath)) return ok(found);
    return {
      status: 'warning',
      found,
      why: 'Emulated starts take longer, and their times say little about a machine with KVM.',
    };
  } catch (thrown) {
    return { status: 'warning', found: toFirstlightError(thrown).message, why: 'Without a probe guests are emulated.' };
  }
}

/** A runtime without a kernel is not probed. Errors: all others. */
function noKernelAsNull(thrown: unknown): null {
  if (toFirstlightError(thrown).code === 'RELEASE_MISSING') return null;
  throw thrown;
}

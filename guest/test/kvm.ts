/** Whether Ember runs under KVM on this machine: it boots Ember, as the program does. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { buildGuest } from '../../build/guest.mjs';

const { kernelPath } = await buildGuest({ log: console.error });
let found: string | null | undefined;

/** Null where it runs, else the reason. */
export function whyNoKvm(): string | null {
  found ??= probe();
  return found;
}

function probe(): string | null {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'there is no /dev/kvm that can be opened';
  }
  const machine = ['-M', 'pc', '-accel', 'kvm', '-m', '32', '-nodefaults', '-no-user-config', '-display', 'none'];
  const boot = ['-no-reboot', '-bios', '/usr/share/qemu/qboot.rom', '-kernel', kernelPath, '-serial', 'stdio'];
  // Without a function the kernel panics, prints that, and powers off.
  const { stdout } = spawnSync('qemu-system-x86_64', [...machine, ...boot], { encoding: 'utf8', timeout: 10_000 });
  return stdout.includes('carries no function') ? null : 'Ember does not run in it';
}

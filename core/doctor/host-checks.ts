import { access, constants, readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { runTool } from '#core/exec/run-tool.ts';
import { type Finding, ok } from '#core/runtime/check.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { findQemuUser } from '#core/store/qemu-user.ts';
import { systemCode } from '#core/store/store-error.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import { groupId } from '#core/vmm/kvm-access.ts';
import { readQemuVersion } from '#core/vmm/qemu/qemu-version.ts';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import type { Check, DoctorContext } from './check.ts';
import { installPackages } from './packages.ts';
import { firstObstacle } from './path-access.ts';

const minNode = { major: 20, minor: 19 };
const mib = 1024 ** 2;
/** An image takes 2 to 4 MB, a run some 40 kB. */
const enoughDiskBytes = 500 * mib;
const leastDiskBytes = 50 * mib;

/** The checks of this machine that do not need libvirt. */
export const hostChecks: readonly Check[] = [
  { id: 'node', title: 'Node.js', look: async () => lookAtNode(process.versions.node) },
  { id: 'qemu', title: 'QEMU', look: lookAtQemu },
  { id: 'firmware', title: 'Quick firmware', look: lookAtFirmware },
  { id: 'state', title: 'State folders', look: lookAtState },
  { id: 'disk', title: 'Disk space', look: lookAtDisk },
];

export function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > minNode.major || (major === minNode.major && minor >= minNode.minor)) {
    return ok(version, { node: version });
  }
  return {
    status: 'failed',
    found: `Node.js ${version}`,
    why: `Firstlight needs ${minNode.major}.${minNode.minor} or newer.`,
    fix: { label: 'Install a newer Node.js.', command: 'npx --yes --package node@22 -- npm start' },
    versions: { node: version },
  };
}

async function lookAtQemu({ uid }: DoctorContext): Promise<Finding> {
  try {
    const version = await readQemuVersion();
    return ok(version, { qemu: version });
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    const missing = error.code === 'TOOL_MISSING';
    return {
      status: 'failed',
      found: missing ? 'qemu-system-x86_64 is not installed' : error.message,
      why: 'It is the virtual machine that functions boot in.',
      ...(missing && { fix: installPackages(['qemu-system-x86'], uid) }),
    };
  }
}

async function lookAtFirmware({ uid }: DoctorContext): Promise<Finding> {
  const path = findFirmware();
  if (path !== null) return ok(path);
  return {
    status: 'warning',
    found: 'qboot is not installed',
    why: 'Without it guests start by SeaBIOS, which takes 25 to 35 ms more.',
    fix: installPackages(['qemu-system-data'], uid),
  };
}

async function lookAtState({ layout, uid }: DoctorContext): Promise<Finding> {
  const dirs = [layout.imagesDir, layout.kernelsDir, layout.runsDir, layout.socketsDir, layout.probesDir];
  try {
    for (const dir of dirs) await access(await layout.ensure(dir), constants.W_OK);
  } catch (thrown) {
    const error = thrown instanceof FirstlightError ? thrown : undefined;
    return {
      status: 'failed',
      found: error?.message ?? `A state folder cannot be written: ${toFirstlightError(thrown).message}`,
      why: 'Images and runs are kept there.',
      fix: {
        label: 'Take ownership of the folders, or choose others.',
        command: `chown -R $(id -u) ${dirname(layout.imagesDir)} # or: export FIRSTLIGHT_HOME=/some/where`,
      },
    };
  }
  const qemuUser = uid === 0 ? await readQemuUser() : null;
  for (const dir of qemuUser === null ? [] : [layout.imagesDir, layout.socketsDir]) {
    const obstacle = await firstObstacle(dir, qemuUser as NonNullable<typeof qemuUser>);
    if (obstacle === null) continue;
    return {
      status: 'failed',
      found: `libvirt's QEMU user may not enter ${obstacle}`,
      why: `It has to read images in ${dir}.`,
      fix: {
        label: 'Let others pass through that folder.',
        command: `chmod o+x ${obstacle}`,
        apply: async () => {
          await runTool('chmod', ['o+x', obstacle]);
        },
      },
    };
  }
  return ok(`${dirname(layout.imagesDir)} and ${layout.dataDir} are writable`);
}

/** The user of the system's QEMU; null when libvirt runs it as root, or is missing. */
async function readQemuUser(): Promise<{ uid: number; gids: number[] } | null> {
  const passwd = await readFile('/etc/passwd', 'utf8');
  const line = passwd.split('\n').find((entry) => entry.startsWith('libvirt-qemu:') || entry.startsWith('qemu:'));
  if (line === undefined) return null;
  const [, , uid, gid] = line.split(':');
  const kvmGid = await groupId('kvm');
  const ownGid = findQemuUser(0)?.gid;
  return { uid: Number(uid), gids: [Number(gid), kvmGid, ownGid].filter((known) => known != null) };
}

async function lookAtDisk({ layout }: DoctorContext): Promise<Finding> {
  const dir = dirname(layout.imagesDir);
  try {
    const { bavail, bsize } = await statfs(dir);
    const freeBytes = bavail * bsize;
    const found = `${formatBytes(freeBytes)} free in ${dir}`;
    if (freeBytes >= enoughDiskBytes) return ok(found);
    return {
      status: freeBytes < leastDiskBytes ? 'failed' : 'warning',
      found,
      why: 'Images and runs are kept there.',
      fix: { label: 'Free some space; images are built again when needed.', command: `rm -r ${layout.imagesDir}` },
    };
  } catch (thrown) {
    // The check of the folders reports a folder that could not be created.
    if (systemCode(thrown) === 'ENOENT') return ok(`${dir} is not there yet`);
    throw thrown;
  }
}

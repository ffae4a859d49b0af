import { chmod, copyFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeOverlay } from '@firstlight/disk';
import type { OwnPath, RuntimeBundling } from '#core/runtime/images.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { digestFile } from '#core/store/digest.ts';
import { type Layout, readableFileMode } from '#core/store/layout.ts';
import { type Machine, type MachineDisk, type MachineNetwork, plainMachine } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { readKernelFormat } from './kernel-format.ts';
import { openKernelSession } from './kernel-session.ts';
import { findKernelConfig, type KernelConfig, kernelConfigOf } from './options.ts';
import { readKernelPanic } from './read-panic.ts';

/** Raised when the images of the same files change. */
const builderVersion = 1;
/** No kernel worth booting needs less. Units: MiB. */
const minMemoryMiB = 4;
/** QEMU's user-mode network gives this address by DHCP. */
const guestIp = '10.0.2.15';

/** The files of a kernel's image lie beside each other; the kernel is the image. */
const initrdIn = (dir: string) => join(dir, 'initrd');
const diskIn = (dir: string, index: number) => join(dir, `disk-${index}`);

/** Kernels that a person brings: each project has its own. */
export function createKernelRuntime({ layout }: { readonly layout: Layout }): Runtime {
  async function machineOf(
    config: ProjectConfig,
    imagePath: string,
  ): Promise<Omit<Machine, 'accel' | 'disks' | 'networks'>> {
    const { cmdline, initrd, machine, firmware } = kernelConfigOf(config);
    const initrdPath = initrd === undefined ? undefined : initrdIn(dirname(imagePath));
    const isMultiboot = firmware === 'auto' && (await readKernelFormat(imagePath)) === 'multiboot';
    return plainMachine(
      { accel: 'tcg', memoryMiB: config.memoryMiB, vcpus: config.vcpus },
      {
        machineType: machine,
        kernel: { path: imagePath, cmdline, initrdPath },
        firmware: firmware === 'machine' || isMultiboot ? 'machine' : 'quick',
      },
    );
  }

  return {
    id: 'kernel',
    bundling: kernelBundling,
    exclusiveResourceOf: (config) => ((findKernelConfig(config)?.network?.ports ?? []).length > 0 ? 'ports' : 'none'),
    fingerprint: async (config) => {
      kernelConfigOf(config);
      return `kernel ${builderVersion}`;
    },

    buildImage: async ({ config, projectDir }, path, { progress }) => {
      const startedAt = performance.now();
      const { file, initrd, disks } = kernelConfigOf(config);
      const dir = dirname(path);
      progress({ step: 'write', message: 'Copying the kernel' });
      await readKernelFormat(resolve(projectDir, file));
      const copies: [from: string, to: string][] = [[file, path]];
      if (initrd !== undefined) copies.push([initrd, initrdIn(dir)]);
      disks.forEach((disk, index) => void copies.push([disk.file, diskIn(dir, index)]));
      for (const [from, to] of copies) {
        await copyFile(resolve(projectDir, from), to);
        await chmod(to, readableFileMode);
      }
      const { size } = await stat(path);
      const durationMs = performance.now() - startedAt;
      return { bytes: size, minMemoryMiB, steps: [{ name: 'write', reused: false, reason: '', durationMs }] };
    },

    probeGuest: async (image) => {
      if (image === null) throw notKnown();
      const { sha256 } = await digestFile(image.path);
      return {
        name: `kernel-${sha256.slice(0, 16)}`,
        makeMachine: async (accel) => ({
          ...(await machineOf(image.config, image.path)),
          accel,
          disks: [],
          networks: [],
        }),
      };
    },

    prepareMachine: async ({ image, config, accel, makeDiskDir }) => {
      const kernel = kernelConfigOf(config);
      const disks: MachineDisk[] = [];
      for (const [index, { format }] of kernel.disks.entries()) {
        const base = diskIn(dirname(image.path), index);
        const path = join(await makeDiskDir(), `disk-${index}.qcow2`);
        await writeOverlay(path, { name: base, format }, (await stat(base)).size);
        await chmod(path, 0o600);
        await layout.giveToQemu(path);
        disks.push({ path, format: 'qcow2' });
      }
      const machine = { ...(await machineOf(config, image.path)), accel, disks, networks: networksOf(kernel) };
      return { machine, sessionInfo: JSON.stringify({ ready: kernel.ready ?? null }), symbolsPath: image.path };
    },

    openSession: async (link) => openKernelSession(link, readyTextOf(link.sessionInfo)),
    readPanic: readKernelPanic,
  };
}

const kernelBundling: RuntimeBundling = {
  // No code is bundled.
  engine: 'bare',
  runsFunction: () => false,
  ownPaths: (config) => {
    const kernel = findKernelConfig(config);
    // A project that names no kernel is listed like any other: its build says so.
    if (kernel === null) return [];
    const { file, initrd, disks } = kernel;
    const own: OwnPath[] = [{ key: 'kernel.file', path: file }];
    if (initrd !== undefined) own.push({ key: 'kernel.initrd', path: initrd });
    return [...own, ...disks.map((disk, index) => ({ key: `kernel.disks[${index}].file`, path: disk.file }))];
  },
  networkAsks: (config) =>
    findKernelConfig(config)?.network?.outbound
      ? [
          {
            kind: 'network',
            subject: 'outbound',
            message: 'Opens connections to the Internet, your local network and the services of this machine.',
          },
        ]
      : [],
  optionsInImage: ({ runtimeOptions }): Json[] => [(runtimeOptions ?? null) as Json],
};

function networksOf({ network }: KernelConfig): MachineNetwork[] {
  if (network === undefined) return [];
  const forwards = network.ports.map(
    ({ guest, host, udp }) => ({ protocol: udp ? 'udp' : 'tcp', hostPort: host, guestPort: guest }) as const,
  );
  return [{ kind: 'user', guestIp, forwards, isRestricted: !network.outbound }];
}

/** Null also for data that an older program wrote. */
function readyTextOf(sessionInfo: string | null): string | null {
  const info: unknown = sessionInfo === null ? null : JSON.parse(sessionInfo);
  const ready = typeof info === 'object' && info !== null && 'ready' in info ? info.ready : null;
  return typeof ready === 'string' ? ready : null;
}

const notKnown = () =>
  new FirstlightError('RELEASE_MISSING', 'Each project brings its own kernel: it is probed when it first runs.');

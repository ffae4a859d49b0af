import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectSerial } from '#core/instances/connect-serial.ts';
import { writeDomainXml } from '#core/instances/domain-xml.ts';
import { domainPrefix, findFirmware } from '#core/instances/launch.ts';
import { createSocketDir, removeInstanceDirs } from '#core/instances/socket-dir.ts';
import type { LibvirtLink } from '#core/libvirt/libvirt-link.ts';
import { fromLibvirt } from '#core/libvirt/to-firstlight-error.ts';
import type { Layout } from '#core/store/layout.ts';
import { thisProcess } from '#core/store/owner.ts';
import type { AccelChoice } from './accelerator.ts';

export interface KvmProbe {
  readonly link: LibvirtLink;
  readonly layout: Layout;
  /**
   * The guest kernel without a function: it says so on its console. A smaller guest will not do: where KVM hangs, one that
   * enters long mode and writes a byte may still run (seen).
   */
  readonly kernelPath: string;
}

/** A guest in a working KVM speaks within milliseconds; a loaded machine needs more. */
const patienceMs = 2_000;
/** The whole of it: a machine that takes longer to create a domain is not found out about while somebody waits. */
const totalMs = 5_000;

/** What a probe found. Shape: `conclusive` is false when the guest could not be started, or not in time. */
export interface KvmFinding extends AccelChoice {
  readonly conclusive: boolean;
}

/** Boots the guest kernel under KVM, and says within 5 s whether it ran. Errors: LIBVIRT_* of the connection. */
export async function probeKvm(probe: KvmProbe): Promise<KvmFinding> {
  const over = new AbortController();
  const late = sleep(totalMs, undefined, { signal: over.signal }).then(
    (): KvmFinding => ({
      kind: 'tcg',
      reason: 'KVM is not tried yet',
      details: `libvirt did not start a guest in ${totalMs / 1000} s`,
      conclusive: false,
    }),
  );
  late.catch(() => undefined);
  const booting = boot(probe);
  booting.catch(() => undefined);
  return await Promise.race([booting, late]).finally(() => over.abort());
}

async function boot({ link, layout, kernelPath }: KvmProbe): Promise<KvmFinding> {
  const connection = await link.connection();
  const sockets = await createSocketDir(await layout.ensure(layout.socketsDir), thisProcess());
  const xml = writeDomainXml({
    name: `${domainPrefix}probe-${randomBytes(4).toString('hex')}`,
    uuid: randomUUID(),
    title: 'Firstlight: does KVM work?',
    accel: 'kvm',
    memoryMiB: 32,
    vcpus: 1,
    machine: {
      machineType: 'pc',
      kernel: { path: kernelPath, cmdline: '' },
      disks: [],
      network: null,
      channelName: null,
      consoleName: null,
    },
    firmwarePath: findFirmware(),
    serialSocketPath: sockets.serial,
    channelSocketPath: null,
    consoleSocketPath: null,
    metadataXml: '',
  });
  try {
    const domain = await connection.createDomainXml(xml, { paused: true, autodestroy: true });
    try {
      const console = await connectSerial(sockets.serial);
      const spoke = once(console, 'data', { signal: AbortSignal.timeout(patienceMs) });
      await domain.resume();
      await spoke;
      return { kind: 'kvm', reason: 'a guest booted in it', conclusive: true };
    } finally {
      // How long QEMU takes to go is not to be waited for; it ends with the connection at the latest.
      void domain.destroy().catch(() => undefined);
    }
  } catch (thrown) {
    // A connection that ended, as when a person cancels, says nothing about KVM.
    if (!connection.connected) throw fromLibvirt(thrown, 'find out whether KVM works');
    return { kind: 'tcg', ...explain(thrown), conclusive: isTimeout(thrown) };
  } finally {
    void removeInstanceDirs(layout, sockets.dir).catch(() => undefined);
  }
}

/** The guest was started and did not speak. */
const isTimeout = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'AbortError';

function explain(thrown: unknown): Pick<AccelChoice, 'reason' | 'details'> {
  if (isTimeout(thrown)) {
    return { reason: 'guests hang in KVM', details: `no sign of life in ${patienceMs / 1000} s` };
  }
  const [message = ''] = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n');
  return { reason: 'KVM cannot be used', details: message.trim() };
}

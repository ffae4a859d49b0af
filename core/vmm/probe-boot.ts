import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Domain } from 'node-libvirt';
import type { Layout } from '#core/store/layout.ts';
import { thisProcess } from '#core/store/owner.ts';
import { connectSerial } from './connect-serial.ts';
import { findFirmware } from './firmware.ts';
import { domainPrefix, writeDomainXml } from './libvirt/domain-xml.ts';
import type { LibvirtLink } from './libvirt/libvirt-link.ts';
import { fromLibvirt } from './libvirt/to-firstlight-error.ts';
import type { Machine } from './machine.ts';
import { createSocketDir, diskDirOf, removeInstanceDirs } from './socket-dir.ts';

/** A guest that is booted only to see whether it speaks. */
export interface BootProbe {
  readonly link: LibvirtLink;
  readonly layout: Layout;
  /** For people who look with `virsh desc`. */
  readonly title: string;
  /** The action, for messages. Shape: follows "Could not". */
  readonly doing: string;
  /** Errors: what it throws is what the probe was refused for. */
  readonly makeMachine: (makeDiskDir: () => Promise<string>) => Promise<Machine>;
  /** True for what only a guest that runs would say. Default: any byte. */
  readonly isSign?: ((chunk: Uint8Array) => boolean) | undefined;
  /** How long a guest that runs may be silent. */
  readonly patienceMs: number;
  /** For the whole of it: a machine that takes longer to create a domain is not found out about while somebody waits. */
  readonly totalMs: number;
}

/**
 * What came of it. Shape: `silent`: the guest was started and said nothing, or ended before it did; `late`: there was not
 * enough time to tell; `refused`: it could not be started.
 */
export type ProbeOutcome =
  | { readonly kind: 'spoke' | 'silent' | 'late' }
  | { readonly kind: 'refused'; readonly cause: unknown };

/**
 * Boots a guest and says whether it spoke on its serial port. Nothing is left of it.
 *
 * Errors: LIBVIRT_* when there is no connection, or it ended: that says nothing about the guest.
 */
export async function probeBoot(probe: BootProbe): Promise<ProbeOutcome> {
  const over = new AbortController();
  const late = sleep(probe.totalMs, undefined, { signal: over.signal }).then((): ProbeOutcome => ({ kind: 'late' }));
  const booting = boot(probe, over.signal);
  for (const one of [late, booting]) one.catch(() => undefined);
  return await Promise.race([booting, late]).finally(() => over.abort());
}

/** `over` says that nobody waits any more. */
async function boot(probe: BootProbe, over: AbortSignal): Promise<ProbeOutcome> {
  const { link, layout } = probe;
  const connection = await link.connection();
  const sockets = await createSocketDir(await layout.ensure(layout.socketsDir), thisProcess());
  const makeDiskDir = async () => {
    await layout.ensure(layout.disksDir);
    const dir = diskDirOf(layout, sockets.dir);
    await mkdir(dir, { mode: 0o711 });
    return dir;
  };
  try {
    const xml = writeDomainXml({
      name: `${domainPrefix}probe-${randomBytes(4).toString('hex')}`,
      uuid: randomUUID(),
      title: probe.title,
      machine: await probe.makeMachine(makeDiskDir),
      firmwarePath: findFirmware(),
      sockets,
      metadataXml: '',
    });
    const domain = await connection.createDomainXml(xml, { paused: true, autodestroy: true });
    try {
      const console = await connectSerial(sockets.serial);
      return { kind: (await speaks(domain, console, probe, over)) ? 'spoke' : 'silent' };
    } finally {
      // How long QEMU takes to go is not to be waited for; it ends with the connection at the latest.
      void domain.destroy().catch(() => undefined);
    }
  } catch (cause) {
    if (!connection.connected) throw fromLibvirt(cause, probe.doing);
    return { kind: 'refused', cause };
  } finally {
    void removeInstanceDirs(layout, sockets.dir).catch(() => undefined);
  }
}

/** Lets a guest run. Shape: true when it gives a sign before its patience, or its own end. */
async function speaks(
  domain: Domain,
  console: Duplex,
  { isSign = () => true, patienceMs }: BootProbe,
  over: AbortSignal,
): Promise<boolean> {
  const spoke = new Promise<boolean>((resolve) => {
    console.on('data', (chunk: Buffer) => isSign(chunk) && resolve(true));
  });
  const ended = once(console, 'close').then(
    () => false,
    () => false,
  );
  const silent = sleep(patienceMs, false, { signal: over, ref: false });
  silent.catch(() => undefined);
  await domain.resume();
  return await Promise.race([spoke, ended, silent]);
}

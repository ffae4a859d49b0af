/** The output of instances on hosts: libvirt writes it into a file of our pool, also while nobody reads it. */

import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { findVolume, openPool } from '#core/vmm/libvirt/host-pool.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { EngineStream, StreamRequest } from '#shared/contract/index.ts';
import { toFirstlightError } from '#shared/errors.ts';
import type { Fleet, TargetHost } from './fleet.ts';
import { currentRevision, type Instance, requireInstances } from './instances.ts';
import { logNameOf } from './place.ts';

/** The part at the end of a log that is read. Units: bytes. */
const tailBytes = 256 * 1024;
/** The interval between looks at a log. Units: ms. */
const followMs = 1000;

/** The last lines that an instance printed. Errors: LIBVIRT_*. */
export async function readLastLines(host: TargetHost, domain: string, count = 15): Promise<string[]> {
  const { bytes } = await readLog(host, domain, null);
  return bytes.toString('utf8').trimEnd().split('\n').slice(-count);
}

/**
 * Writes the output of the function's instances to a stream: their last lines, and with `follow` what comes later. With
 * several, each line begins with its instance's name.
 *
 * Errors: NOT_FOUND; LIBVIRT_*.
 */
export async function streamHostLogs(
  fleet: Fleet,
  name: string,
  { follow, tailLines }: Pick<StreamRequest<'deploy:logs'>, 'follow' | 'tailLines'>,
  stream: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const instances = await requireInstances(fleet, name);
  const revision = currentRevision(instances);
  const shown = instances.filter(({ record, isInService }) => isInService || record.revision === revision);
  const isPlain = shown.length === 1;
  await Promise.all(
    shown.map((one) => copyLog(one, isPlain ? '' : `[${one.domain.name}] `, { follow, tailLines }, stream)),
  );
}

async function copyLog(
  { host, domain }: Instance,
  prefix: string,
  { follow, tailLines }: Pick<StreamRequest<'deploy:logs'>, 'follow' | 'tailLines'>,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  let from: number | null = null;
  let partial = '';
  const decoder = new TextDecoder();
  while (!signal.aborted) {
    let lines: string[];
    try {
      const read = await readLog(host, domain.name, from);
      lines = `${partial}${decoder.decode(read.bytes, { stream: true })}`.split('\n');
      if (from === null) lines = lines.slice(-tailLines - 1);
      from = read.endBytes;
    } catch (thrown) {
      await write(Buffer.from(`${prefix}(the log ends: ${toFirstlightError(thrown).message})\n`));
      return;
    }
    partial = lines.pop() ?? '';
    if (!follow && partial !== '') lines.push(partial);
    for (const line of lines) await write(Buffer.from(`${prefix}${line.replace(/\r$/, '')}\n`));
    if (!follow) return;
    await sleep(followMs, undefined, { signal }).catch(() => undefined);
  }
}

/** A log from a byte on, or its last `lengthBytes`; libvirt begins a new file when one is large. Errors: LIBVIRT_*. */
export async function readLog(
  host: TargetHost,
  domain: string,
  from: number | null,
  lengthBytes = tailBytes,
): Promise<{ readonly bytes: Buffer; readonly endBytes: number }> {
  return await withLibvirtErrors(`read the log of ${domain} on ${host.label}`, async () => {
    const volume = await findVolume(await openPool(host.connection), logNameOf(domain));
    if (volume === null) return { bytes: Buffer.alloc(0), endBytes: 0 };
    const { capacityBytes: size } = await volume.info();
    const begin = from === null || from > size ? Math.max(0, size - lengthBytes) : from;
    if (begin === size) return { bytes: Buffer.alloc(0), endBytes: size };
    const bytes = await volume.download({ offsetBytes: begin, lengthBytes: size - begin });
    return { bytes: await buffer(bytes), endBytes: size };
  });
}

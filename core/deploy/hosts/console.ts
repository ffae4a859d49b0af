/** The console of one instance on a host, read from the file into which libvirt writes it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isNotFound } from 'node-libvirt';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { EngineStream } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Fleet } from './fleet.ts';
import { type Instance, requireInstances } from './instances.ts';
import { readLog } from './logs.ts';

/** The interval between looks at the file. Units: ms. */
const followMs = 300;
/** All of a file: libvirt begins a new one at 2 MiB. Units: bytes. */
const wholeBytes = 64 << 20;

/**
 * Writes the output of one instance's guest to a stream, byte for byte, until the instance ends; without a name: of the
 * first one that runs. The file serves any number of readers, while a console stream of libvirt serves one.
 *
 * Errors: NOT_FOUND; LIBVIRT_*.
 */
export async function streamHostConsole(
  fleet: Fleet,
  name: string,
  instanceName: string | undefined,
  { write, signal }: Pick<EngineStream, 'write' | 'signal'>,
): Promise<void> {
  const { host, domain } = chooseInstance(await requireInstances(fleet, name), name, instanceName);
  let from: number | null = null;
  while (!signal.aborted) {
    // Looked at before the file is read: what the guest printed last is then read as well.
    const end = await findEnd({ host, domain });
    const { bytes, endBytes } = await readLog(host, domain.name, from, wholeBytes);
    from = endBytes;
    if (bytes.length > 0) await write(bytes);
    if (end !== null) return void (await write(Buffer.from(`(${end})\n`)));
    await sleep(followMs, undefined, { signal }).catch(() => undefined);
  }
}

function chooseInstance(instances: readonly Instance[], name: string, wanted: string | undefined): Instance {
  const shown = instances.filter(({ isInService, state }) => isInService || state === 'running');
  const chosen =
    wanted === undefined
      ? (shown.find(({ isInService, state }) => isInService && state === 'running') ?? shown[0])
      : instances.find(({ domain }) => domain.name === wanted);
  if (chosen !== undefined) return chosen;
  const names = shown.map(({ domain }) => domain.name);
  throw new FirstlightError(
    'NOT_FOUND',
    wanted === undefined ? `No instance of ${name} is in service.` : `${name} has no instance "${wanted}".`,
    {
      hint: names.length === 0 ? `Start one: firstlight deploy scale ${name} 1` : `There are: ${names.join(', ')}`,
      details: { subject: wanted ?? name },
    },
  );
}

/** The reason why an instance prints nothing more; null while it runs. Errors: LIBVIRT_*. */
async function findEnd({ host, domain }: Pick<Instance, 'host' | 'domain'>): Promise<string | null> {
  return await withLibvirtErrors(`look at ${domain.name} on ${host.label}`, async () => {
    try {
      const { state, reason } = await domain.state();
      return state === 'shutoff' || state === 'crashed' ? `${domain.name} is ${state}: ${reason}` : null;
    } catch (thrown) {
      if (isNotFound(thrown)) return `${domain.name} is gone`;
      throw thrown;
    }
  });
}

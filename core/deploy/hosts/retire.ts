/** Ends an instance without losing a request that is in it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Domain } from 'node-libvirt';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestSession } from '#core/runtime/session.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { readForwards, removeForward } from './forwards.ts';
import { stopDomain } from './place.ts';
import { type Called, openSession } from './start.ts';

/** Requests have this long to be answered, as those of a pod that ends. Units: ms. */
const graceMs = 30_000;
/** A guest that is asked to end has this long. Units: ms. */
const powerDownMs = 10_000;
const pollMs = 200;

/**
 * Takes an instance out of service: it gets no new requests, and is ended once those in it are answered, or after a
 * while. Only then its host knows: until then a list says that it is to be ended. One that does not run is no error. Errors: CANCELLED, when it still runs; LIBVIRT_*.
 */
export async function retireInstance(
  called: Called,
  runtimes: ReadonlyMap<RuntimeId, Runtime>,
  signal: AbortSignal,
): Promise<void> {
  const { domain, record } = called;
  let session: GuestSession | null = null;
  try {
    if (record.guestPort > 0) await closeEndpoint(called, signal);
    if (record.channel === '') await powerDown(domain, signal);
    // Whoever waits for its channel must not get it now: it is kept until the instance has ended.
    else session = await openSession(domain, record, runtimes, { isFresh: false, signal });
  } catch (thrown) {
    if (signal.aborted) throw new FirstlightError('CANCELLED', `${domain.name} still runs.`, { cause: thrown });
    // It does not run any more, or is in a request that never ends: either way it is ended next.
    if (toFirstlightError(thrown).code === 'LIBVIRT_LOST') throw thrown;
  }
  try {
    await withLibvirtErrors(`take ${domain.name} out of service`, async () => {
      // QEMU takes another client while it ends. Whoever gets the channel then sees that it is not in service any more.
      await domain.setAutostart(false);
      await stopDomain(domain);
    });
  } finally {
    session?.close();
  }
}

/** Has an instance take no new connections, and waits for those that are open. Errors: CANCELLED; LIBVIRT_*. */
async function closeEndpoint(called: Called, signal: AbortSignal): Promise<void> {
  const { ports } = await readForwards(called);
  for (const port of ports) await removeForward(called, port);
  for (const end = Date.now() + graceMs; Date.now() < end; await sleep(pollMs, undefined, { signal })) {
    if ((await readForwards(called)).connections === 0) return;
  }
}

/** Asks a guest to end, and waits for a while until it has. Errors: CANCELLED; LibvirtError. */
async function powerDown(domain: Domain, signal: AbortSignal): Promise<void> {
  await domain.shutdown();
  for (const end = Date.now() + powerDownMs; Date.now() < end; await sleep(pollMs, undefined, { signal })) {
    if ((await domain.state()).state === 'shutoff') return;
  }
}

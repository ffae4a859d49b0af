import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOutput, CallRequest } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Fleet } from './fleet.ts';
import { currentRevision, type Instance, requireInstances } from './instances.ts';
import { callInstance } from './start.ts';

let turn = 0;

/** Units: ms. */
const againMs = 200;

/** The function's answer to a request: of one instance after another. Errors: NOT_FOUND; CONFLICT; LIBVIRT_*. */
export async function callOnHosts(
  fleet: Fleet,
  { name, method, path, body }: Omit<CallRequest<'deploy:invoke'>, 'target'>,
  signal: AbortSignal,
): Promise<CallOutput<'deploy:invoke'>> {
  turn += 1;
  let failure: FirstlightError | null = null;
  const busy = new Set<string>();
  for (const round of [1, 2]) {
    // An instance that was replaced meanwhile is not there any more, and its successor is.
    if (round === 2) await sleep(againMs, undefined, { signal }).catch(() => undefined);
    const instances = await requireInstances(fleet, name);
    for (const one of inTurn(instances).filter(({ domain }) => !busy.has(domain.uuid))) {
      try {
        return await callInstance(one, fleet.runtimes, { method, path, body }, { signal });
      } catch (thrown) {
        failure = toFirstlightError(thrown);
        // The request may have been carried out: only one that was not sent is sent to another instance.
        if (failure.code !== 'INSTANCE_LOST' && failure.code !== 'CONFLICT') throw failure;
        if (failure.code === 'CONFLICT') busy.add(one.domain.uuid);
      }
    }
    if (failure?.code !== 'INSTANCE_LOST') break;
  }
  throw (
    failure ??
    new FirstlightError('CONFLICT', `No instance of ${name} runs on ${fleet.target.name}.`, {
      hint: `firstlight deploy status ${name} --target ${fleet.target.name}`,
      details: { subject: name },
    })
  );
}

/** The instances that may be called, each time another one first. One that is being replaced is the last choice. */
function inTurn(instances: readonly Instance[]): Instance[] {
  const up = instances.filter(({ isInService, state }) => isInService && state === 'running');
  const current = currentRevision(up);
  const rotate = (some: readonly Instance[]) => some.map((one, index) => some[(turn + index) % some.length] ?? one);
  const isCurrent = ({ record }: Instance) => record.revision === current;
  return [...rotate(up.filter(isCurrent)), ...rotate(up.filter((one) => !isCurrent(one)))];
}

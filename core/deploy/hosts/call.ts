import type { CallOutput, CallRequest } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Fleet } from './fleet.ts';
import { requireInstances } from './instances.ts';
import { callInstance } from './start.ts';

let turn = 0;

/** The function's answer to a request: of one instance after another. Errors: NOT_FOUND; CONFLICT; LIBVIRT_*. */
export async function callOnHosts(
  fleet: Fleet,
  { name, method, path, body }: Omit<CallRequest<'deploy:invoke'>, 'target'>,
  signal: AbortSignal,
): Promise<CallOutput<'deploy:invoke'>> {
  const instances = await requireInstances(fleet, name);
  const up = instances.filter(({ isInService, state }) => isInService && state === 'running');
  turn += 1;
  const inTurn = up.map((_, index) => up[(turn + index) % up.length]).filter((one) => one !== undefined);
  let failure: FirstlightError | null = null;
  for (const one of inTurn) {
    try {
      return await callInstance(one, fleet.runtimes, { method, path, body }, signal);
    } catch (thrown) {
      failure = toFirstlightError(thrown);
      // The request may have been carried out: only one that was not sent is sent to another instance.
      if (failure.code !== 'INSTANCE_LOST' && failure.code !== 'CONFLICT') throw failure;
    }
  }
  throw (
    failure ??
    new FirstlightError('CONFLICT', `No instance of ${name} runs on ${fleet.target.name}.`, {
      hint: `firstlight deploy status ${name} --target ${fleet.target.name}`,
      details: { subject: name },
    })
  );
}

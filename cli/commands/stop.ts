import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { InstanceId } from '#shared/model/units.ts';
import { badInput } from '../failures.ts';
import { findInstance, listKnown } from '../find.ts';
import { renderError } from '../output/print-error.ts';
import { createStyle } from '../output/style.ts';
import type { Session } from '../session.ts';

/** Stops one instance, or all, and prints those that libvirt ended. Shape: the exit code of the first failure, or of a host that is lost. */
export async function stop(session: Session, name: string | undefined, options: { all?: boolean }): Promise<number> {
  if ((name === undefined) === (options.all !== true)) {
    throw badInput('Say which instance to stop, or --all.', 'firstlight ps lists the instances.');
  }
  const { instances, exitCode } =
    name === undefined ? await listKnown(session) : { instances: [await findInstance(session, name)], exitCode: 0 };
  const running = instances.filter(({ state }) => state !== 'stopped' && state !== 'failed');
  if (running.length > 0) {
    session.progress.report({ step: 'stop', message: `Stopping ${running.map(({ id }) => id).join(', ')}` });
  }
  const results = await Promise.all(running.map(({ id }) => stopOne(session, id)));
  const stopped = results.flatMap(({ id, error }) => (error === null ? [id] : []));
  const failed = results.flatMap(({ id, error }) => (error === null ? [] : [{ id, error }]));
  session.printJson({
    stopped,
    failed: failed.map(({ id, error }) => ({ id, code: error.code, message: error.message })),
  });
  if (running.length === 0)
    session.print(exitCode === 0 ? 'Nothing runs.\n' : 'Nothing runs on the hosts that answer.\n');
  else if (stopped.length > 0) session.print(`Stopped ${stopped.join(', ')}\n`);
  for (const { error } of failed) session.note(renderError(error, createStyle(session.io, session.io.stderr)));
  return failed[0]?.error.exitCode ?? exitCode;
}

async function stopOne(session: Session, id: InstanceId): Promise<{ id: InstanceId; error: FirstlightError | null }> {
  try {
    await session.call('instances:stop', { instanceId: id });
    return { id, error: null };
  } catch (thrown) {
    const error = toFirstlightError(thrown);
    if (error.code === 'CANCELLED') throw error;
    return { id, error };
  }
}

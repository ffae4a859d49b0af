import { badInput } from '../failures.ts';
import { findInstance, listKnown } from '../find.ts';
import type { Session } from '../session.ts';

/** Stops one instance, or all; answers as soon as the stop is under way. */
export async function stop(session: Session, name: string | undefined, options: { all?: boolean }): Promise<number> {
  if ((name === undefined) === (options.all !== true)) {
    throw badInput('Say which instance to stop, or --all.', 'firstlight ps lists the instances.');
  }
  const instances = name === undefined ? await listKnown(session) : [await findInstance(session, name)];
  const running = instances.filter((instance) => instance.state !== 'stopped' && instance.state !== 'stopping');
  await Promise.all(running.map(({ id }) => session.call('instances:stop', { instanceId: id })));
  session.printJson({ stopped: running.map(({ id }) => id) });
  if (running.length === 0) session.print('Nothing runs.\n');
  else session.print(`Stopping ${running.map(({ id }) => id).join(', ')}\n`);
  return 0;
}

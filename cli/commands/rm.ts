import { findInstanceOrRun } from '../find.ts';
import type { Session } from '../session.ts';

/** Removes an instance or a recorded run. */
export async function remove(session: Session, name: string): Promise<number> {
  const found = await findInstanceOrRun(session, name);
  const id = 'instance' in found ? found.instance.id : found.runId;
  if ('instance' in found) await session.call('instances:remove', { instanceId: found.instance.id });
  else await session.call('runs:remove', { runId: found.runId });
  session.printJson({ removed: id });
  session.print(`Removed ${id}\n`);
  return 0;
}

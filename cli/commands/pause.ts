import { findInstance } from '../find.ts';
import type { Session } from '../session.ts';

/** Pauses an instance: its processors stop, its memory stays. Errors: NOT_FOUND; CONFLICT when it does not run. */
export async function pause(session: Session, name: string): Promise<number> {
  return await change(session, name, 'instances:suspend', 'Paused');
}

/** Resumes a paused instance. Errors: NOT_FOUND; CONFLICT when it is not paused. */
export async function resume(session: Session, name: string): Promise<number> {
  return await change(session, name, 'instances:resume', 'Resumed');
}

async function change(
  session: Session,
  name: string,
  call: 'instances:suspend' | 'instances:resume',
  done: string,
): Promise<number> {
  const { id } = await findInstance(session, name);
  await session.call(call, { instanceId: id });
  session.printJson({ id });
  session.print(`${done} ${id}\n`);
  return 0;
}

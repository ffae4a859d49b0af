import { toFirstlightError } from '#shared/errors.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { RunId } from '#shared/model/units.ts';
import { findInstanceOrRun } from '../find.ts';
import { createByteWriter } from '../output/write-bytes.ts';
import { type Session, untilEnded } from '../session.ts';

export interface LogsOptions {
  /** Only the output of the kernel's diagnostics. */
  readonly trace?: boolean;
  /** Only the output of the program. */
  readonly program?: boolean;
  /** Only one of the program's two streams. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
}

const partsByOption = ['trace', 'program', 'stdout', 'stderr'] as const;

/** A running console has no end: the output so far is complete when nothing more arrives for this long. */
const quietMs = 250;

/**
 * Prints the output of a console so far: the record of the run, or, without a record, the instance's current output.
 */
export async function printLogs(session: Session, name: string, options: LogsOptions = {}): Promise<number> {
  const part = partsByOption.find((name) => options[name]) ?? 'all';
  const found = await findInstanceOrRun(session, name);
  const write = createByteWriter(session, 'console');
  const runId = 'runId' in found ? found.runId : await recordedRun(session, found.instance);
  if (runId !== null) {
    const { ended } = session.client.openStream('console:replay', { runId, part }, write);
    await Promise.race([ended, untilEnded(session.signal)]);
    return 0;
  }
  if (!('instance' in found)) return 0;

  let timer: NodeJS.Timeout | undefined;
  let finish: () => void = () => undefined;
  const quiet = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const rest = () => {
    clearTimeout(timer);
    timer = setTimeout(finish, quietMs);
  };
  const stream = session.client.openStream('console:attach', { instanceId: found.instance.id, part }, async (chunk) => {
    clearTimeout(timer);
    await write(chunk);
    rest();
  });
  rest();
  await Promise.race([stream.ended, quiet, untilEnded(session.signal)]);
  clearTimeout(timer);
  stream.close();
  return 0;
}

/** The run that started an instance, while it is on record: it has the console output from the first byte on. */
async function recordedRun(session: Session, { runId }: Instance): Promise<RunId | null> {
  if (runId === null) return null;
  try {
    return (await session.call('runs:get', { runId })).id;
  } catch (thrown) {
    if (toFirstlightError(thrown).code === 'NOT_FOUND') return null;
    throw thrown;
  }
}

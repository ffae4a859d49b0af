import { fromWireError } from '#shared/errors.ts';
import { formatMs } from '#shared/format.ts';
import { findInstance } from '../find.ts';
import { errorJson } from '../output/print-error.ts';
import { renderResponse } from '../output/print-response.ts';
import { responseJson } from '../output/run-json.ts';
import { readEvent } from '../read-event.ts';
import type { Session } from '../session.ts';

/** Invokes a running instance once. */
export async function invoke(session: Session, name: string, options: { event?: string }): Promise<number> {
  const event = options.event === undefined ? undefined : await readEvent(session.io, options.event, session.signal);
  const { id: instanceId } = await findInstance(session, name);
  const { response, error, durationMs } = await session.call('instances:invoke', {
    instanceId,
    ...(event !== undefined && { event }),
  });
  if (error !== null) {
    const failure = fromWireError(error);
    if (!session.json) throw failure;
    session.printJson({ error: errorJson(failure), response: null, durationMs });
    return failure.exitCode;
  }
  session.printJson({ response: response && responseJson(response), durationMs });
  if (response !== null) session.print(renderResponse(response, session.style));
  session.print(session.style.dim(`${formatMs(durationMs)} from request to response\n`));
  return 0;
}

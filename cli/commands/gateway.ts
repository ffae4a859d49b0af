import { resolve } from 'node:path';
import { formatMs } from '#shared/format.ts';
import type { GatewayRequest } from '#shared/model/gateway.ts';
import type { StartMode } from '#shared/model/timeline.ts';
import { renderTable } from '../output/table.ts';
import { type Session, untilEnded } from '../session.ts';
import { checkName } from './host.ts';

interface GatewayOptions {
  readonly port?: number;
  readonly host?: string;
  readonly start: StartMode;
  readonly concurrency: number;
  readonly queue: number;
  readonly idle: number;
  readonly deadline: number;
}

/** Serves the open functions, and those in the named folders, by HTTP on loopback until Ctrl-C. */
export async function serveFunctions(
  session: Session,
  dirs: readonly string[],
  options: GatewayOptions,
): Promise<number> {
  for (const dir of dirs) await session.call('projects:open', { dir: resolve(session.io.cwd, dir) });
  session.client.subscribe('gateway:answered', ({ request }) => {
    session.printJson({ request });
    session.print(renderRequest(session, request));
  });
  const { url, functions } = await session.call('gateway:start', {
    port: options.port ?? 0,
    ...(options.host !== undefined && { host: checkName(options.host) }),
    startMode: options.start,
    concurrency: options.concurrency,
    queue: options.queue,
    idleMs: options.idle * 1000,
    deadlineMs: options.deadline * 1000,
  });
  try {
    session.printJson({ url, functions });
    session.print(`Gateway: ${url}\n`);
    if (functions.length === 0) {
      session.note('No function is open yet. Name folders: firstlight gateway <dir...>\n');
    } else {
      const rows = functions.map((entry) => [entry.name, entry.url]);
      session.print(renderTable(['FUNCTION', 'ADDRESS'], rows, session.style));
    }
    if (!session.json) session.note('Serving on this machine only, until Ctrl-C.\n');
    await untilEnded(session.signal);
    return 0;
  } finally {
    await session.client.call('gateway:stop', {});
  }
}

function renderRequest({ style }: Session, request: GatewayRequest): string {
  const { at, functionName, method, path, status, durationMs, waitedMs, runId, error } = request;
  const time = new Date(at).toLocaleTimeString('sv-SE');
  const facts = [
    runId === null ? '' : `  cold start, run ${runId}`,
    waitedMs >= 1 ? `  waited ${formatMs(waitedMs)}` : '',
    error === null ? '' : `  ${error}`,
  ].join('');
  const target = functionName === '' ? path : `${functionName} ${method} ${path}`;
  return `${style.dim(time)} ${status} ${formatMs(durationMs).padStart(8)}  ${style.foreign(`${target}${facts}`)}\n`;
}

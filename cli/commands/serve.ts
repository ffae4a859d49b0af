import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLayout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { openAccess } from '#host/access.ts';
import { type Host, startHost } from '#host/start-host.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { runSample } from '#shared/sample.ts';
import { type Session, untilEnded } from '../session.ts';

/** Serves the studio until Ctrl-C, or until the window it opened is closed. */
export async function serve(
  session: Session,
  options: { port?: number; open?: boolean; root?: readonly string[] },
): Promise<number> {
  const host = await startStudioHost(session, options);
  try {
    session.printJson({ url: host.url, origin: host.origin });
    session.print(`Studio: ${host.url}\n`);
    const places = options.root?.join(', ') ?? 'your home folder (another: --root <dir>)';
    if (!session.json) session.note(`It opens projects under ${places}.\nServing until Ctrl-C.\n`);
    void openFirstProject(session);
    if (options.open) {
      const { openWindow } = await import('../open-window.ts');
      const window = await openWindow(session, host);
      if (window !== null) {
        await window;
        return 0;
      }
    }
    await untilEnded(session.signal);
    return 0;
  } finally {
    await host.close();
  }
}

/** Runs the sample where no project is open yet, so that the first page is not empty. */
async function openFirstProject(session: Session): Promise<void> {
  try {
    if ((await session.client.call('projects:list', {})).length > 0) return;
    await runSample(session.client, { signal: session.signal });
  } catch (thrown) {
    // The page shows the problem where it can be repaired.
    if (!session.signal.aborted) session.note(`The sample did not run: ${toFirstlightError(thrown).message}\n`);
  }
}

/**
 * A host of this session's engine, at the port and with the token of the last start, so that an open page
 * reconnects. Another port where that one is in use, such as by a second studio.
 */
export async function startStudioHost(
  session: Session,
  { port: wantedPort, root }: { port?: number; root?: readonly string[] } = {},
): Promise<Host> {
  const log = (line: string) => {
    if (session.io.env.FIRSTLIGHT_LOG) session.note(`${line}\n`);
  };
  const layout = createLayout({ env: session.io.env, uid: process.getuid?.() ?? -1 });
  const access = await openAccess(join(await layout.ensure(layout.dataDir), 'studio.json'), log);
  const { rendererDir } = locateResources();
  const roots = await listRoots(session, root);
  const start = (port?: number) =>
    startHost({ engine: session.engine, roots, rendererDir, port, token: access.token, log });
  if (wantedPort !== undefined) return await start(wantedPort);
  if (access.port !== null) {
    try {
      return await start(access.port);
    } catch (thrown) {
      if (toFirstlightError(thrown).code !== 'CONFLICT') throw thrown;
      return await start();
    }
  }
  const host = await start();
  await access.keepPort(Number(new URL(host.origin).port));
  return host;
}

/** The paths that the page may open: the named folders, else the home folder; new projects; and all open projects. */
async function listRoots({ client }: Session, named: readonly string[] | undefined): Promise<string[]> {
  const open = await client.call('projects:list', {});
  const { projectsDir } = await client.call('app:info', {});
  const chosen = named === undefined ? [homedir()] : named.map((dir) => resolve(dir));
  return [...chosen, projectsDir, ...open.map(({ dir }) => dir)];
}

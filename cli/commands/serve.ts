import { locateResources } from '#core/store/resources.ts';
import { type Host, startHost } from '#host/start-host.ts';
import { type Session, untilEnded } from '../session.ts';

/** Serves the studio until Ctrl-C, or until the window it opened is closed. */
export async function serve(session: Session, options: { port?: number; open?: boolean }): Promise<number> {
  const host = await startStudioHost(session, options.port);
  try {
    session.printJson({ url: host.url, origin: host.origin });
    session.print(`Studio: ${host.url}\n`);
    if (!session.json) session.note('Serving until Ctrl-C.\n');
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

/** A host of this session's engine. */
export function startStudioHost(session: Session, port?: number): Promise<Host> {
  return startHost({
    engine: session.engine,
    rendererDir: locateResources().rendererDir,
    port,
    log: (line) => {
      if (session.io.env.FIRSTLIGHT_LOG) session.note(`${line}\n`);
    },
  });
}

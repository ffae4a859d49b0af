import { fromWireError, toFirstlightError } from '#shared/errors.ts';
import type { BuildResult } from '#shared/model/image.ts';
import type { Run } from '#shared/model/run.ts';
import { runSample } from '#shared/sample.ts';
import { hasDisplay, openElectron, openWindow } from '../open-window.ts';
import { renderError } from '../output/print-error.ts';
import { createStyle } from '../output/style.ts';
import { type Session, untilEnded } from '../session.ts';
import { renderCheck } from './doctor.ts';
import { renderRun } from './run.ts';
import { startStudioHost } from './serve.ts';

/**
 * Opens the studio and runs the sample in it: in Electron, else in a browser's window, else as a URL.
 *
 * A failure of the sample is reported, and the studio still opens: the person repairs the cause there.
 */
export async function openStudio(session: Session, options: { window: boolean }): Promise<number> {
  const host = await startStudioHost(session);
  try {
    session.print(`Studio: ${host.url}\n`);
    // It runs in parallel: its output is just as useful a moment later.
    void shortDoctor(session);
    const wantsWindow = options.window && hasDisplay(session.io);
    const electron = wantsWindow ? await openElectron(session) : null;
    if (electron !== null) {
      await electron;
      return 0;
    }
    const running = trySample(session);
    const shown = wantsWindow ? await openWindow(session, host) : null;
    const sample = await running;
    session.progress.pause();
    if (session.signal.aborted) return 0;
    if (shown === null && sample !== null) session.print(renderRun(sample.run, sample.build, null, session.style));
    session.printJson({ url: host.url, origin: host.origin, runId: sample?.run.id ?? null });
    if (shown !== null) await shown;
    else {
      if (!session.json) session.note('Serving until Ctrl-C.\n');
      await untilEnded(session.signal);
    }
    return 0;
  } finally {
    await host.close();
  }
}

/** The sample's run, or null when there was none; the reason is on stderr. */
async function trySample(session: Session): Promise<{ run: Run; build: BuildResult } | null> {
  try {
    const sample = await runSample(session.client, { signal: session.signal, onProgress: session.progress.report });
    if (sample !== null && sample.run.error !== null) noteError(session, fromWireError(sample.run.error));
    return sample;
  } catch (thrown) {
    if (!session.signal.aborted) noteError(session, thrown);
    return null;
  }
}

/** Prints the problems that `doctor` finds, and nothing when there are none. */
async function shortDoctor(session: Session): Promise<void> {
  try {
    const report = await session.call('doctor:run', {});
    const style = createStyle(session.io, session.io.stderr);
    const wrong = report.checks.filter((check) => check.status !== 'ok');
    for (const check of wrong) session.note(`${renderCheck(check, 0, style).join('\n')}\n`);
  } catch (thrown) {
    if (!session.signal.aborted) noteError(session, thrown);
  }
}

function noteError(session: Session, thrown: unknown): void {
  session.note(renderError(toFirstlightError(thrown), createStyle(session.io, session.io.stderr)));
}

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { app, type BrowserWindow, crashReporter, dialog } from 'electron';

/** A page that ends more often than this in a minute is not reloaded automatically. */
const mostInAMinute = 3;
const minuteMs = 60_000;

/** The number of newest crash dumps that are kept. One dump has about 1 MB. */
const keptDumps = 10;

/** Writes a dump of each crash to a folder of this machine, and sends none. */
export function setupCrashReports(dir: string): void {
  app.setPath('crashDumps', dir);
  dropOldDumps(dir);
  crashReporter.start({ uploadToServer: false, compress: false });
}

/** Crashpad's folders for dumps, below its configured folder. */
function dropOldDumps(dir: string): void {
  const dumps = ['new', 'pending', 'completed']
    .map((name) => join(dir, name))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path).map((name) => join(path, name)))
    .map((path) => ({ path, mtimeMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { path } of dumps.slice(keptDumps)) rmSync(path, { force: true });
}

/** Loads a page again when its process ended, and asks the person about one that does not answer. */
export function setupRecovery(window: BrowserWindow, log: (line: string) => void, now: () => number = Date.now): void {
  const { webContents } = window;
  let ends: number[] = [];
  let isAsking = false;

  const ask = async (message: string, detail: string, wait: string): Promise<boolean> => {
    if (isAsking) return false;
    isAsking = true;
    try {
      const buttons = [wait, 'Load the window again'];
      const { response } = await dialog.showMessageBox(window, {
        type: 'warning',
        message,
        detail,
        buttons,
        defaultId: 1,
        cancelId: 0,
      });
      return response === 1 && !window.isDestroyed();
    } finally {
      isAsking = false;
    }
  };
  const failed = (error: unknown) => log(`the window could not be brought back: ${error}`);

  webContents.on('render-process-gone', (_, { reason, exitCode }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    log(`the page's process ended (${reason}, ${exitCode})`);
    const at = now();
    ends = [...ends.filter((time) => at - time < minuteMs), at];
    if (ends.length <= mostInAMinute) return webContents.reload();
    const detail = 'Instances and builds go on. What was not saved in the editor is lost.';
    ask(`The window ended ${ends.length} times within a minute.`, detail, 'Leave it').then((again) => {
      if (again) webContents.reload();
    }, failed);
  });

  window.on('unresponsive', () => {
    log('the page does not answer');
    const detail = 'You can wait for it, or load it again and lose what was not saved in the editor.';
    // The process must end: a page that is busy forever ignores a reload. The end of the process reloads it.
    ask('The window does not answer.', detail, 'Wait').then((again) => {
      if (again) webContents.forcefullyCrashRenderer();
    }, failed);
  });
}

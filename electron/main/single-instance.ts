import { app, BrowserWindow } from 'electron';

/**
 * Whether this is the first studio of this user; a second one brings the first to the front, passes it its
 * folders from the command line, and has to end.
 */
export function setupSingleInstance(folders: readonly string[], onFolders: (folders: string[]) => void): boolean {
  if (!app.requestSingleInstanceLock({ folders })) return false;
  app.on('second-instance', (_event, _argv, _cwd, data) => {
    const window = BrowserWindow.getAllWindows()[0];
    if (window === undefined) return;
    if (window.isMinimized()) window.restore();
    window.focus();
    onFolders(readFolders(data));
  });
  return true;
}

/** A program of the same user wrote it: only data of the right form is accepted. */
function readFolders(data: unknown): string[] {
  const { folders } = (typeof data === 'object' && data !== null ? data : {}) as { folders?: unknown };
  return Array.isArray(folders) ? folders.filter((folder) => typeof folder === 'string') : [];
}

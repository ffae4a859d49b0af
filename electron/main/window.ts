import { join } from 'node:path';
import { app, BrowserWindow, screen } from 'electron';
import { startUrl } from '../preload/channel.ts';
import { readWindowState, writeWindowState } from './window-state.ts';

/** `look.md` draws the studio at this size; the layout works down to the smaller size. */
const defaultSize = { width: 1280, height: 800 };
const minimumSize = { minWidth: 1024, minHeight: 640 };

export interface StudioWindow {
  readonly window: BrowserWindow;
  /** Resolves when the place of a closed window is saved; at once when none was. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly placeKept: () => Promise<void>;
}

/** Opens the studio's window at its last place. */
export function createWindow(preloadPath: string): StudioWindow {
  const statePath = join(app.getPath('userData'), 'window.json');
  const state = readWindowState(
    statePath,
    screen.getAllDisplays().map((display) => display.workArea),
  );
  const window = new BrowserWindow({
    ...(state?.bounds ?? defaultSize),
    ...minimumSize,
    title: 'Firstlight',
    show: false,
    webPreferences: {
      preload: preloadPath,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      allowRunningInsecureContent: false,
      spellcheck: false,
    },
  });
  if (state?.maximized) window.maximize();
  // The window is shown once its page is drawn: no white flash.
  window.once('ready-to-show', () => window.show());
  let writing = Promise.resolve();
  window.on('close', () => {
    writing = writeWindowState(statePath, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
    // The caller that waits for `placeKept` reports the error, at the end.
    writing.catch(() => undefined);
  });
  void window.loadURL(startUrl);
  return { window, placeKept: () => writing };
}

import { app, BrowserWindow, type Session, session, type WebContents } from 'electron';
import { startUrl } from '../preload/channel.ts';
import { createExternalLinks, watchGestures } from './external-links.ts';
import { isOwnUrl } from './origin.ts';

/** Restricts every page to our own content, without other windows, web views or device permissions. */
export function setupLockDown(log: (line: string) => void): void {
  app.on('web-contents-created', (_, contents) => {
    for (const name of ['will-navigate', 'will-redirect', 'will-frame-navigate'] as const) {
      contents.on(name as 'will-navigate', (event) => {
        if (!isOwnUrl(event.url)) event.preventDefault();
      });
    }
    contents.on('will-attach-webview', (event) => event.preventDefault());
    bringBack(contents, log);
    const links = createExternalLinks(() => BrowserWindow.fromWebContents(contents), log);
    watchGestures(contents, links.noteGesture);
    contents.setWindowOpenHandler(({ url }) => {
      // A link in a message or a doctor's advice opens in the person's own browser.
      links.open(url).catch((error: unknown) => log(`a link could not be opened: ${error}`));
      return { action: 'deny' };
    });
  });
}

/** Chromium commits `about:blank` without asking the events above: the page is then loaded again. */
function bringBack(contents: WebContents, log: (line: string) => void): void {
  contents.on('did-navigate', (_, url) => {
    if (isOwnUrl(url) || isDevTools(url)) return;
    log(`the page went to ${url.slice(0, 200)}, and is loaded again`);
    contents.loadURL(startUrl).catch((error: unknown) => log(`the page could not be loaded again: ${error}`));
  });
}

const isDevTools = (url: string): boolean => url.startsWith('devtools://');

/** Refuses every permission that a page requests, except writing text to the clipboard. */
export function setupPermissions(target: Session = session.defaultSession): void {
  target.setPermissionRequestHandler((contents, permission, answer) =>
    answer(permission === 'clipboard-sanitized-write' && isOwnUrl(contents.getURL())),
  );
  target.setPermissionCheckHandler(
    (_, permission, origin) => permission === 'clipboard-sanitized-write' && isOwnUrl(origin),
  );
  target.setDevicePermissionHandler(() => false);
}

import { app, type Session, session, shell } from 'electron';
import { isOwnUrl } from './origin.ts';

/** Keeps every page that is ever made to our own, without other windows, web views or device permissions. */
export function setupLockDown(): void {
  app.on('web-contents-created', (_, contents) => {
    contents.on('will-navigate', (event) => {
      if (!isOwnUrl(event.url)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => {
      if (!isOwnUrl(event.url)) event.preventDefault();
    });
    contents.on('will-frame-navigate', (event) => {
      if (!isOwnUrl(event.url)) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      // A link in a message or a doctor's advice is for the person's own browser.
      if (isWebLink(url)) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
}

/** Refuses whatever a page asks the system for; copying text out is all it may do. */
export function setupPermissions(target: Session = session.defaultSession): void {
  target.setPermissionRequestHandler((contents, permission, answer) =>
    answer(permission === 'clipboard-sanitized-write' && isOwnUrl(contents.getURL())),
  );
  target.setPermissionCheckHandler(
    (_, permission, origin) => permission === 'clipboard-sanitized-write' && isOwnUrl(origin),
  );
  target.setDevicePermissionHandler(() => false);
}

function isWebLink(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === 'https:';
}

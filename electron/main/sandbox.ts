import { app, type BrowserWindow } from 'electron';

/** Whether pages run without Chromium's sandbox: as root it starts only without. */
export const isUnsandboxed = (): boolean => app.commandLine.hasSwitch('no-sandbox');

/** The message where pages run without the sandbox. */
export const unsandboxedNotice =
  'Firstlight runs WITHOUT the sandbox of its pages (--no-sandbox). Chromium refuses it to root: start Firstlight as an ordinary user.';

/** Shows on standard error and, permanently, in the window's title that pages run without their sandbox. */
export function markUnsandboxed(window: BrowserWindow, log: (line: string) => void): void {
  if (!isUnsandboxed()) return;
  log(unsandboxedNotice);
  window.on('page-title-updated', (event, title) => {
    event.preventDefault();
    window.setTitle(`${title} [no sandbox]`);
  });
}

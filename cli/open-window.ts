import { join } from 'node:path';
import { fetchElectron } from '#core/exec/fetch-electron.ts';
import { findProgram, launch } from '#core/exec/launch.ts';
import { createLayout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import type { Host } from '#host/start-host.ts';
import type { Io } from './io.ts';
import type { Session } from './session.ts';

/** Browsers based on Chromium, which can open a page in a separate window. */
const browsers = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'brave-browser',
];

/** A browser that ends sooner has passed the page to one that was already open. */
const handOverMs = 3000;

export const hasDisplay = ({ env }: Io): boolean => Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);

const userId = (): number => process.getuid?.() ?? -1;

/** Neither Electron nor Chromium starts as root with its sandbox on; `--test-type` leaves out Chromium's bar about that. */
const rootArgs = (): readonly string[] => (userId() === 0 ? ['--no-sandbox', '--test-type'] : []);

/** `look.md` draws the studio at this size. */
const windowSize = '1280,800';

/**
 * Opens a host's studio in a browser's app window.
 *
 * Shape: null when there is no display or no browser, else a promise that lasts as long as the window.
 */
export async function openWindow(session: Session, host: Host): Promise<Promise<void> | null> {
  const { io } = session;
  if (!hasDisplay(io)) return null;
  const browser = findProgram(browsers, io.env);
  if (browser === null) {
    session.note('No Chromium or Chrome is on PATH: open the URL in your own browser.\n');
    return null;
  }
  if (userId() === 0) session.note('As root the browser runs without its own sandbox.\n');
  const layout = createLayout({ env: io.env, uid: userId() });
  const profile = join(await layout.ensure(layout.dataDir), 'window');
  const args = [
    `--app=${host.issueUrl()}`,
    `--user-data-dir=${profile}`,
    `--window-size=${windowSize}`,
    '--no-first-run',
    '--no-default-browser-check',
  ];
  return watch(session, launch(browser, [...args, ...rootArgs()], io.env));
}

/**
 * Opens the studio in Electron, which has its own core and runs the sample itself.
 *
 * Shape: null when its binary is missing and cannot be fetched, else a promise that lasts as long as it runs.
 */
export async function openElectron(session: Session): Promise<Promise<void> | null> {
  const { io, signal } = session;
  const root = join(locateResources().rendererDir, '../..');
  const layout = createLayout({ env: io.env, uid: userId() });
  const binary = await fetchElectron({
    root,
    failedPath: join(await layout.ensure(layout.dataDir), 'electron-not-fetched'),
    env: io.env,
    signal,
    onFetch: () => session.note('Fetching Electron, once (about 120 MB).\n'),
  });
  if (binary !== null && userId() === 0)
    session.note('As root Electron runs WITHOUT the sandbox of its pages: start Firstlight as an ordinary user.\n');
  return binary === null ? null : watch(session, launch(binary, [...rootArgs(), root, '--sample'], io.env));
}

async function watch(session: Session, window: ReturnType<typeof launch>): Promise<void> {
  session.signal.addEventListener('abort', window.close, { once: true });
  const { code, afterMs } = await window.exited;
  if (afterMs >= handOverMs || session.signal.aborted) return;
  session.note(
    code === 0
      ? 'The browser had a window open already and shows the studio there. Serving until Ctrl-C.\n'
      : `The window did not open (exit code ${code}). Open the URL in your own browser. Serving until Ctrl-C.\n`,
  );
  await new Promise<void>((resolve) => session.signal.addEventListener('abort', () => resolve(), { once: true }));
}

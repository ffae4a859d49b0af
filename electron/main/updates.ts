import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppImageUpdater, type AppUpdater, DebUpdater } from 'electron-updater';
import type { AppAdapter } from 'electron-updater/out/AppAdapter';
import { SignedFeed, type UpdateFeed, updateFeedSchema } from './signed-feed.ts';

/** A person who never closes the studio is told of an update within a day. */
const checkEveryMs = 86_400_000;

export interface UpdateOptions {
  /** package.json of the program: its `updates` names the feed. Without it no server is contacted. */
  readonly manifestPath: string;
  /** The folder that electron-builder writes `package-type` into. */
  readonly resourcesPath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
  /** Asks whether to restart into a downloaded version. */
  readonly askToRestart: (version: string) => Promise<boolean>;
  /** Ends our instances and sessions before the program is replaced. */
  readonly beforeInstall: () => Promise<void>;
  /** The time limit for an answer of the feed's server. Units: ms. */
  readonly deadlineMs?: number | undefined;
  /** Replacements for Electron in a test. */
  readonly app?: AppAdapter | undefined;
  readonly prepare?: ((updater: AppUpdater) => void) | undefined;
}

/**
 * Looks for a newer version now and daily, downloads it, and installs it when a person agrees.
 *
 * Shape: null where there is no feed, or the program is neither an AppImage nor a deb.
 * Errors: throws when `updates` in package.json is not valid.
 */
export function setupUpdates(options: UpdateOptions): AppUpdater | null {
  const { log, askToRestart, beforeInstall } = options;
  const feed = readFeed(options.manifestPath);
  const updater = feed === null ? null : createUpdater(options, feed);
  if (updater === null) return null;
  updater.logger = { info: () => undefined, debug: () => undefined, warn: () => undefined, error: () => undefined };
  // Installing a deb asks for a password, so it needs the person's consent.
  updater.autoInstallOnAppQuit = false;
  updater.allowDowngrade = false;
  updater.disableWebInstaller = true;
  updater.on('update-downloaded', ({ version }) => {
    log(`update: version ${version} is ready`);
    askToRestart(version)
      .then(async (agreed) => {
        if (!agreed) return;
        await beforeInstall();
        updater.quitAndInstall();
      })
      .catch((error: unknown) => log(`update: version ${version} was not installed: ${messageOf(error)}`));
  });
  // The caller of the check gets the same error; without a listener it would end the program.
  updater.on('error', () => undefined);
  const check = () =>
    updater.checkForUpdates().then(
      (found) => {
        found?.downloadPromise?.catch((error: unknown) => log(`update: not downloaded: ${messageOf(error)}`));
      },
      (error: unknown) => log(`update: ${messageOf(error)}`),
    );
  void check();
  setInterval(check, checkEveryMs).unref();
  return updater;
}

function readFeed(manifestPath: string): UpdateFeed | null {
  const { updates } = JSON.parse(readFileSync(manifestPath, 'utf8')) as { updates?: unknown };
  return updates === undefined ? null : updateFeedSchema.parse(updates);
}

function createUpdater(
  { env, resourcesPath, app, prepare, deadlineMs = 30_000 }: UpdateOptions,
  feed: UpdateFeed,
): AppUpdater | null {
  const typePath = join(resourcesPath, 'package-type');
  const type = existsSync(typePath) ? readFileSync(typePath, 'utf8').trim() : '';
  const Updater = env.APPIMAGE ? AppImageUpdater : type === 'deb' ? DebUpdater : null;
  if (Updater === null) return null;
  const updater = new Updater(null, app);
  prepare?.(updater);
  updater.setFeedURL({ provider: 'custom', updateProvider: SignedFeed as never, ...feed, deadlineMs });
  return updater;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);

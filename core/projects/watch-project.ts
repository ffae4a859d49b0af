import { basename } from 'node:path';
import { watch } from 'chokidar';
import { systemCode } from '#core/store/store-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isHiddenName } from './project-files.ts';

/** More paths than this are not watched: each takes one of the user's inotify watches. */
const maxWatched = 5_000;

export interface Watcher {
  readonly close: () => Promise<void>;
}

/** Reports every file under `root` that was added, changed or removed, except dependencies and half-written files. */
export function watchProject(
  root: string,
  onChange: (absolutePath: string) => void,
  onError: (error: FirstlightError) => void,
): Watcher {
  const watched = new Set<string>();
  const watcher = watch(root, {
    ignoreInitial: true,
    // A link may lead anywhere.
    followSymlinks: false,
    depth: 12,
    ignored: (path) => {
      if (path !== root && isHiddenName(basename(path))) return true;
      if (watched.size >= maxWatched && !watched.has(path)) return true;
      watched.add(path);
      return false;
    },
  });
  const changed = (path: string) => onChange(path);
  watcher.on('add', changed).on('change', changed);
  watcher.on('unlink', (path) => {
    watched.delete(path);
    changed(path);
  });
  watcher.on('unlinkDir', (path) => watched.delete(path));
  watcher.on('error', (thrown) => {
    onError(describeBlindness(root, thrown));
  });
  return { close: () => watcher.close() };
}

/** The system's codes for watches, and for descriptors of watchers, that are used up. Source: inotify_add_watch(2), inotify_init(2). */
const usedUp = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);

/** The message for a folder that is not watched: edits here, builds and runs work as before. */
function describeBlindness(root: string, cause: unknown): FirstlightError {
  const words = cause instanceof Error ? cause.message : String(cause);
  const isUsedUp = usedUp.has(systemCode(cause) ?? '');
  return new FirstlightError('STORE_UNUSABLE', `Changes that other programs make in ${root} are not seen: ${words}.`, {
    hint: isUsedUp
      ? 'Close programs that watch many files, or allow more watches: sysctl fs.inotify.max_user_watches=524288'
      : 'Open a file again to see what is in it now; a run takes what is on disk.',
    details: { subject: root },
    cause,
  });
}

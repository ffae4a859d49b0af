import { basename } from 'node:path';
import { watch } from 'chokidar';
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
  onError: (message: string) => void,
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
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    onError(`Changes in ${root} made by other programs may go unseen: ${words}`);
  });
  return { close: () => watcher.close() };
}

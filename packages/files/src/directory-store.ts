/** Directories on disk, each with a manifest, that appear complete or not at all. Several processes may share them. */
import { chmod, mkdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { FilesError, readFailed, systemCode, undefinedIfMissing, writeFailed } from './files-error.ts';
import { createOwnedTemps } from './owned-temps.ts';
import { namesIn, writeAtOnce } from './temp-files.ts';

export interface DirectoryStoreOptions<Manifest> {
  /** The folder that contains the directories. */
  readonly root: string;
  /** Makes `root` before the first write. Default: `mkdir`, for this user only. */
  readonly prepare?: (() => Promise<unknown>) | undefined;
  /** The kind of a directory, for temporary names and messages: `image`. */
  readonly kind: string;
  /** Permission bits of a directory, and of its manifest. Default: 0700 and 0600. */
  readonly mode?: number | undefined;
  readonly manifestMode?: number | undefined;
  readonly manifestName: string;
  /** The manifest in a JSON value; undefined when the value is not a manifest. */
  readonly parse: (json: unknown) => Manifest | undefined;
  /** True for the name of a directory of this store. */
  readonly isName: (name: string) => boolean;
  /** True when a directory matches its manifest. A crash may have left it incomplete. */
  readonly isWhole: (dir: string, manifest: Manifest, name: string) => Promise<boolean>;
  /** Saves the useful parts of a temporary directory that a killed process left. */
  readonly onAbandoned?: ((dir: string) => Promise<void>) | undefined;
}

export interface DirectoryStore<Manifest> {
  readonly dirOf: (name: string) => string;
  /** The manifest of a whole directory, or null. */
  readonly find: (name: string) => Promise<Manifest | null>;
  /** The names of the directories, complete or not. */
  readonly names: () => Promise<string[]>;
  /**
   * The result of `work`, which gets a temporary directory that is removed afterwards, unless it was published.
   *
   * Errors: `write-failed`; as `work`.
   */
  readonly withTemp: <Result>(work: (temp: string) => Promise<Result>) => Promise<Result>;
  /**
   * Makes a directory of `temp` and returns the manifest that is then in place: a complete directory of another process
   * stays, and an incomplete one is replaced.
   */
  readonly publish: (temp: string, name: string, manifest: Manifest) => Promise<Manifest>;
  /** As `publish`, without a replacement: false when the name is taken. */
  readonly publishNew: (temp: string, name: string, manifest: Manifest) => Promise<boolean>;
  /** Marks a directory as used now. */
  readonly touch: (name: string) => Promise<void>;
  /** The time when a directory was last made or touched; null when it does not exist. Units: ms since 1970. */
  readonly usedAtMs: (name: string) => Promise<number | null>;
  /** Hides a directory by a move to a temporary path; null when it does not exist. */
  readonly withdraw: (name: string) => Promise<string | null>;
  /** Removes a directory; false when it does not exist. */
  readonly remove: (name: string) => Promise<boolean>;
}

/** The limit of tries, since another process may put a broken directory in place again. */
const maxAttempts = 4;

/** The directories in `root`. */
export function createDirectoryStore<Manifest>(options: DirectoryStoreOptions<Manifest>): DirectoryStore<Manifest> {
  const { root, kind, mode = 0o700, manifestMode = 0o600, manifestName, parse, isName, isWhole, onAbandoned } = options;
  const { prepare = () => mkdir(root, { recursive: true, mode: 0o700 }) } = options;
  const temps = createOwnedTemps(root, kind);
  const dirOf = (name: string) => join(root, name);
  const manifestOf = (name: string) => join(dirOf(name), manifestName);

  /** Temporary directories that got their name. */
  const published = new Set<string>();
  let sweptAtMs = Number.NEGATIVE_INFINITY;

  /** Removes the files of processes that were killed during their work. Not at each write: it reads the whole folder. */
  async function sweep(): Promise<void> {
    if (performance.now() - sweptAtMs < sweepEveryMs) return;
    sweptAtMs = performance.now();
    for (const dir of await temps.abandoned()) {
      await onAbandoned?.(dir);
      await rm(dir, { recursive: true, force: true });
    }
  }

  async function find(name: string): Promise<Manifest | null> {
    const path = manifestOf(name);
    const text = await readFile(path, 'utf8')
      .catch(undefinedIfMissing)
      .catch((thrown: unknown) => {
        throw readFailed(thrown, path);
      });
    const manifest = text === undefined ? undefined : parse(jsonOf(text));
    return manifest !== undefined && (await isWhole(dirOf(name), manifest, name)) ? manifest : null;
  }

  async function withdraw(name: string): Promise<string | null> {
    const temp = temps.newPath();
    try {
      await rename(dirOf(name), temp);
      return temp;
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return null;
      throw writeFailed(thrown, dirOf(name), 'remove');
    }
  }

  async function remove(name: string): Promise<boolean> {
    // Hidden at once, so that no reader finds a partly removed directory.
    const temp = await withdraw(name);
    if (temp !== null) await rm(temp, { recursive: true, force: true });
    return temp !== null;
  }

  async function publishNew(temp: string, name: string, manifest: Manifest): Promise<boolean> {
    try {
      await chmod(temp, mode);
      // The directory appears with it: no reader finds half of it.
      writeAtOnce(join(temp, manifestName), JSON.stringify(manifest), manifestMode, 'w');
      await rename(temp, dirOf(name));
      published.add(temp);
      return true;
    } catch (thrown) {
      if (isTaken(thrown)) return false;
      throw writeFailed(thrown, dirOf(name), `write the ${kind}`);
    }
  }

  return {
    dirOf,
    find,
    withdraw,
    remove,
    publishNew,
    names: async () => (await namesIn(root)).filter(isName),

    withTemp: async (work) => {
      await prepare();
      await sweep();
      const temp = temps.newPath();
      try {
        await mkdir(temp, { mode: 0o700 });
        return await work(temp);
      } catch (thrown) {
        throw writeFailed(thrown, root, `write the ${kind} in`);
      } finally {
        if (!published.delete(temp)) await rm(temp, { recursive: true, force: true });
      }
    },

    publish: async (temp, name, manifest) => {
      for (let attempt = 1; ; attempt++) {
        if (await publishNew(temp, name, manifest)) return manifest;
        const there = await find(name);
        if (there !== null) return there;
        if (attempt === maxAttempts) throw brokenThere(dirOf(name), `write the ${kind}`);
        await remove(name);
      }
    },

    touch: async (name) => {
      const now = new Date();
      await utimes(manifestOf(name), now, now).catch(undefinedIfMissing);
    },

    usedAtMs: async (name) => (await stat(manifestOf(name)).catch(undefinedIfMissing))?.mtimeMs ?? null,
  };
}

const sweepEveryMs = 60_000;

const isTaken = (thrown: unknown) => ['ENOTEMPTY', 'EEXIST'].includes(systemCode(thrown) ?? '');

function brokenThere(path: string, doing: string): FilesError {
  const cause = new Error('another process keeps a broken one there');
  return new FilesError('write-failed', `Could not ${doing} ${path}: ${cause.message}.`, {
    subject: path,
    doing,
    cause,
  });
}

/** Undefined for a manifest that a power cut left partly written. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { realpathSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { FirstlightError } from '#shared/errors.ts';
import { findQemuUser, type QemuUser } from './qemu-user.ts';
import { systemCode, toStoreError } from './store-error.ts';

/** The places of all our files. Shape: absolute paths. Nothing exists before `ensure` was called with it. */
export interface Layout {
  /** Recreated on demand: safe to delete when no instance runs. */
  readonly imagesDir: string;
  readonly bundlesDir: string;
  readonly buildsDir: string;
  readonly kernelsDir: string;
  /** Unpacked layers of container images, by digest. */
  readonly blobsDir: string;
  /** The runtime's own folder, such as for the releases of its kernel. */
  readonly runtimeDir: (runtime: string) => string;
  /** Layers of images for clusters, as pushed. */
  readonly podLayersDir: string;
  /** Saved machines that have booted. */
  readonly snapshotsDir: string;
  /** The results of probes, per host boot. */
  readonly probesDir: string;
  /** A person's data: not to be lost. */
  readonly dataDir: string;
  readonly runsDir: string;
  readonly settingsPath: string;
  /** The clusters to deploy to. */
  readonly targetsPath: string;
  /** One file for each open project. */
  readonly openProjectsDir: string;
  /** One file for each trusted folder. */
  readonly trustDir: string;
  /** The data that guests keep between starts. */
  readonly volumesDir: string;
  /** Disks of running instances, which their guests write to. */
  readonly disksDir: string;
  /** Runtimes' files that many images share, such as Node.js and its libraries. */
  readonly basesDir: string;
  /** Consoles and channels of running instances. */
  readonly socketsDir: string;
  /** The default folder for new projects. */
  readonly projectsDir: string;
  /** True when libvirt's QEMU runs as another user, who must be able to read images and reach sockets. */
  readonly otherUserReads: boolean;
  /** Gives a disk to QEMU's user, where that is another: its guest may write to it. Errors: STORE_UNUSABLE. */
  readonly giveToQemu: (path: string) => Promise<void>;
  /** Takes a file back that earlier versions gave to QEMU's user. Errors: STORE_UNUSABLE. */
  readonly takeBack: (path: string) => Promise<void>;
  /** Makes one of these folders with the mode it needs, and answers with its path. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly ensure: (dir: string) => Promise<string>;
}

export interface LayoutOptions {
  /**
   * Overrides every place with a folder under this one. Default: `env.FIRSTLIGHT_HOME`, else the places of the system.
   */
  readonly home?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly uid: number;
  /** Default: that of this system. */
  readonly qemuUser?: QemuUser | null | undefined;
}

/**
 * Mode of an image or a kernel: QEMU may run as another user. A user without access to the parent folder cannot read
 * it.
 */
export const readableFileMode = 0o644;

/** The places for this user. */
export function createLayout({ home: given, env, uid, qemuUser = findQemuUser(uid) }: LayoutOptions): Layout {
  const named = given ?? (env.FIRSTLIGHT_HOME || undefined);
  // Two paths of one home are the same home: instances record the home they belong to.
  const home = named === undefined ? undefined : realPathOf(resolve(named));
  const roots = home === undefined ? systemRoots(env, uid) : ownRoots(home);
  const { cache, data, run, projects } = roots;
  const otherUserReads = uid === 0;

  const imagesDir = join(cache, 'images');
  const kernelsDir = join(cache, 'kernels');
  const runtimeDirs = new Set<string>();
  const disksDir = join(cache, 'disks');
  const basesDir = join(cache, 'bases');
  const socketsDir = join(run, 'sockets');
  const volumesDir = join(data, 'volumes');
  const passable = new Set([socketsDir, volumesDir]);
  const readable = new Set([imagesDir, kernelsDir, disksDir, basesDir]);

  const isReadable = (dir: string) => readable.has(dir) || runtimeDirs.has(dir);

  async function makeDir(dir: string): Promise<string> {
    try {
      if (otherUserReads && (isReadable(dir) || passable.has(dir))) {
        for (const root of home === undefined ? [data, cache, run] : [home, data, cache, run])
          await makeTraversable(root);
        await mkdir(dir, { recursive: true });
        // Images hold the values of `env`: only QEMU's group may pass through their folders.
        const isLimited = readable.has(dir) && qemuUser !== null && (await limitToGroup(dir, uid, qemuUser.gid));
        // The umask may have removed the permissions that the other user needs.
        await chmod(dir, isLimited ? 0o710 : 0o711);
      } else {
        if (home === undefined && dir === socketsDir) await makePrivate(run, uid);
        await mkdir(dir, { recursive: true, mode: 0o700 });
      }
    } catch (thrown) {
      throw toStoreError(thrown, 'make the folder', dir);
    }
    return dir;
  }

  const made = new Map<string, Promise<string>>();
  return {
    imagesDir,
    kernelsDir,
    runtimeDir: (runtime) => {
      const dir = join(cache, runtime);
      runtimeDirs.add(dir);
      return dir;
    },
    disksDir,
    basesDir,
    socketsDir,
    otherUserReads,
    giveToQemu: (path) => changeOwner(path, qemuUser ?? undefined),
    takeBack: (path) => changeOwner(path, qemuUser === null ? undefined : { uid, gid: uid }),
    bundlesDir: join(cache, 'bundles'),
    buildsDir: join(cache, 'builds'),
    blobsDir: join(cache, 'blobs'),
    podLayersDir: join(cache, 'pod-layers'),
    targetsPath: join(data, 'targets.json'),
    snapshotsDir: join(cache, 'snapshots'),
    probesDir: join(cache, 'probes'),
    dataDir: data,
    runsDir: join(data, 'runs'),
    settingsPath: join(data, 'settings.json'),
    openProjectsDir: join(data, 'projects'),
    trustDir: join(data, 'trusted'),
    volumesDir,
    projectsDir: projects,
    ensure: (dir) => {
      const known = made.get(dir);
      if (known !== undefined) return known;
      const making = makeDir(dir);
      made.set(dir, making);
      making.catch(() => made.delete(dir));
      return making;
    },
  };
}

/** Gives a folder to a group. False where there is no such group: a user namespace maps only some. */
async function limitToGroup(dir: string, uid: number, gid: number): Promise<boolean> {
  try {
    await chown(dir, uid, gid);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EINVAL') return false;
    throw thrown;
  }
}

async function changeOwner(path: string, to: QemuUser | undefined): Promise<void> {
  if (to === undefined) return;
  try {
    const { uid } = await stat(path);
    if (uid !== to.uid) await chown(path, to.uid, to.gid);
  } catch (thrown) {
    throw toStoreError(thrown, 'change the owner of', path);
  }
}

/** The path without links, as far as it exists. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT' || dirname(path) === path) return path;
    return join(realPathOf(dirname(path)), basename(path));
  }
}

interface Roots {
  readonly cache: string;
  readonly data: string;
  readonly run: string;
  readonly projects: string;
}

const ownRoots = (home: string): Roots => ({
  cache: join(home, 'cache'),
  data: join(home, 'data'),
  run: join(home, 'run'),
  projects: join(home, 'projects'),
});

function systemRoots(env: NodeJS.ProcessEnv, uid: number): Roots {
  const user = env.HOME || homedir();
  const projects = join(user, 'firstlight');
  if (uid === 0) {
    return { cache: '/var/lib/firstlight', data: '/var/lib/firstlight/data', run: '/run/firstlight', projects };
  }
  // Without a session's runtime folder a short path stays: a socket's path has 107 bytes at most.
  const run = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'firstlight') : join(tmpdir(), `firstlight-${uid}`);
  return {
    cache: join(env.XDG_CACHE_HOME || join(user, '.cache'), 'firstlight'),
    data: join(env.XDG_DATA_HOME || join(user, '.local/share'), 'firstlight'),
    run,
    projects,
  };
}

/** Lets other users pass through a folder of ours, without showing them its content. */
async function makeTraversable(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const { mode } = await stat(dir);
  if ((mode & 0o011) !== 0o011) await chmod(dir, (mode & 0o777) | 0o011);
}

/**
 * Makes a folder that no other user can change. Errors: STORE_UNUSABLE when another user made it first, which any may
 * do in `/tmp`.
 */
async function makePrivate(dir: string, uid: number): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = await lstat(dir);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0) return;
  throw new FirstlightError('STORE_UNUSABLE', `${dir} is not a folder that only you can change.`, {
    hint: 'Remove it, or set XDG_RUNTIME_DIR or FIRSTLIGHT_HOME to a folder of your own.',
    details: { subject: dir },
  });
}

/** Whether files have changed, found out without waiting: their stamps are compared. */
import { type BigIntStats, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';

/** Files and folders as they were once. */
export interface FileStamps {
  /** True while each is as it was, or as absent. Takes some 10 µs for each, in this thread. */
  readonly areSame: () => boolean;
}

/** The time in this thread stays below some ms. */
const maxFiles = 500;
/** File systems stamp with a granularity of some ms. */
const granularityMs = 20;
/**
 * Network and user-space file systems, whose answer may take long and whose stamps another machine sets: 9p, AFS, Ceph,
 * CIFS, FUSE, NFS, SMB2. Source: statfs(2).
 */
const slowTypes = new Set([0x01021997, 0x5346414f, 0x00c36400, 0xff534d42, 0x65735546, 0x6969, 0xfe534d42]);

export interface StampOptions {
  readonly dir: string;
  readonly readFromMs: number;
  /** Files of ours that are linked elsewhere while they are in use: a link moves their ctime, which does not count. */
  readonly linked?: readonly string[];
}

/**
 * The stamps of files and folders whose content was read after `readFromMs`, in the folder `dir` or elsewhere. Null
 * where they prove nothing: one may have changed since, there are too many, or `dir` is on a network.
 */
export async function stampFiles(
  paths: readonly string[],
  { dir, readFromMs, linked = [] }: StampOptions,
): Promise<FileStamps | null> {
  const all = [...new Set([...paths, ...linked])];
  if (all.length > maxFiles || slowTypes.has((await statfs(dir)).type)) return null;
  const kinds = all.map((path) => ({ path, isLinked: linked.includes(path) }));
  const stamps = kinds.map((file) => ({ ...file, stamp: stampOf(file, readFromMs - granularityMs) }));
  if (stamps.some(({ stamp }) => stamp === null)) return null;
  return { areSame: () => stamps.every(({ stamp, ...file }) => stampOf(file) === stamp) };
}

/** A stamp that changes whenever the content may have: no program can set the ctime. Empty when absent, null when unknown. */
function stampOf(
  { path, isLinked }: { readonly path: string; readonly isLinked: boolean },
  latestMs = Number.POSITIVE_INFINITY,
): string | null {
  let found: BigIntStats | undefined;
  try {
    found = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // Not reachable now, so nothing is known of it.
    return null;
  }
  if (found === undefined) return '';
  const { dev, ino, size, mode, mtimeNs } = found;
  const changedNs = isLinked ? mtimeNs : found.ctimeNs;
  return Number(changedNs / 1_000_000n) > latestMs ? null : `${dev} ${ino} ${size} ${mode} ${mtimeNs} ${changedNs}`;
}

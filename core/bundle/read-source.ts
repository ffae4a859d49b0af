/** The text of source files, which several checks of one build read, and the next build reads again. */
import { stat } from 'node:fs/promises';
import { readRegularFile } from '../store/read-regular-file.ts';

/** A file that esbuild compiled has fewer bytes. */
const maxFileBytes = 64 << 20;
/** Large files are rare, and would push out all others. */
const maxKeptBytes = 1 << 20;
const maxTotalBytes = 16 << 20;

interface Kept {
  readonly stamp: string;
  readonly text: string;
}

/** Least recently used first. */
const kept = new Map<string, Kept>();
let totalBytes = 0;

/**
 * The text of a source file as it is on disk now; undefined when there is none.
 *
 * Errors: BAD_INPUT for anything other than a regular file, or one too large; STORE_UNUSABLE when the system refuses.
 */
export async function readSource(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  const stamp = found === undefined ? '' : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  const before = kept.get(path);
  forget(path);
  if (before !== undefined && before.stamp === stamp) {
    keep(path, before);
    return before.text;
  }
  const text = (await readRegularFile(path, maxFileBytes))?.toString();
  // A file that was saved moments ago may be saved again with the same times.
  const isSettled = found !== undefined && Date.now() - Number(found.ctimeMs) > granularityMs;
  if (text !== undefined && isSettled && text.length <= maxKeptBytes) keep(path, { stamp, text });
  return text;
}

/** The kernel stamps files with the time of its last tick: 4 or 10 ms. */
const granularityMs = 10;

function keep(path: string, entry: Kept): void {
  forget(path);
  kept.set(path, entry);
  totalBytes += entry.text.length;
  for (const oldest of kept.keys()) {
    if (totalBytes <= maxTotalBytes) return;
    forget(oldest);
  }
}

function forget(path: string): void {
  totalBytes -= kept.get(path)?.text.length ?? 0;
  kept.delete(path);
}

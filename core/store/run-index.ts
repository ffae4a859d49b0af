/**
 * The index of the runs on disk: a line of JSON for each run that was written, the last line of a run counts.
 *
 * It makes listing cheap and is never needed: a missing entry is read from the run itself and added. All processes
 * append to one file; each reads only the lines added since its last read.
 */
import { appendFile, open, stat } from 'node:fs/promises';
import { z } from 'zod';
import { type RunSummary, runSummarySchema } from '#shared/model/run.ts';
import { type RunId, runIdSchema } from '#shared/model/units.ts';
import { undefinedIfMissing, writeAtomic } from './write-atomic.ts';

/** A run's entry in the index. */
export interface IndexedRun {
  readonly summary: RunSummary;
  /** Identifies the version of the run's file that this was read from. */
  readonly stamp: string;
  /** The size of the run on disk, with its console. */
  readonly bytes: number;
}

export interface RunIndex {
  /** The entry of each run, as all processes have written them. Errors: STORE_UNUSABLE. */
  readonly read: () => Promise<ReadonlyMap<RunId, IndexedRun>>;
  readonly add: (entry: IndexedRun) => Promise<void>;
  readonly remove: (id: RunId) => Promise<void>;
}

const lineSchema = z.union([
  z.object({ summary: runSummarySchema, stamp: z.string(), bytes: z.number().int().nonnegative() }),
  z.object({ removed: runIdSchema }),
]);
type Line = z.input<typeof lineSchema>;

/** The index is rewritten when it has more lines than this for each present run. */
const rewriteFactor = 4;
const rewriteFromLines = 200;

/** The index in the file `path`, whose folder must exist when something is added. */
export function createRunIndex(path: string): RunIndex {
  const entries = new Map<RunId, IndexedRun>();
  /** The file that was read and the offset reached: another process may replace it by a rewritten one. */
  let inode = 0;
  let offset = 0;
  let rest = '';
  let lines = 0;
  let reading: Promise<unknown> = Promise.resolve();

  function forget(): void {
    entries.clear();
    offset = lines = 0;
    rest = '';
  }

  function take(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // Cut short by a kill or a full disk: the run itself is read instead.
      return;
    }
    const line = lineSchema.safeParse(json);
    if (!line.success) return;
    if ('removed' in line.data) entries.delete(line.data.removed);
    else entries.set(line.data.summary.id, line.data);
  }

  async function readOn(): Promise<void> {
    const found = await stat(path).catch(undefinedIfMissing);
    if (found === undefined) return forget();
    if (found.ino !== inode || found.size < offset) forget();
    inode = found.ino;
    if (found.size === offset) return;
    const file = await open(path, 'r');
    try {
      const chunk = Buffer.alloc(found.size - offset);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
      offset += bytesRead;
      const parts = `${rest}${chunk.toString('latin1', 0, bytesRead)}`.split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) take(Buffer.from(part, 'latin1').toString('utf8'));
      lines += parts.length;
    } finally {
      await file.close();
    }
  }

  /** One reader at a time: two would take the same lines twice. */
  function read(): Promise<ReadonlyMap<RunId, IndexedRun>> {
    const turn = reading.then(readOn);
    reading = turn.catch(() => undefined);
    return turn.then(() => entries);
  }

  async function append(line: Line): Promise<void> {
    // One write of a line to a file opened for appending: lines of several processes do not mix.
    await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    await read();
    if (lines < Math.max(rewriteFromLines, entries.size * rewriteFactor)) return;
    // An entry that another process appends to the old file in that time is read from its run at the next listing.
    const all = [...entries.values()].map((entry) => `${JSON.stringify(entry)}\n`);
    await writeAtomic(path, all.join(''), { durable: false });
  }

  return {
    read,
    add: append,
    remove: (id) => append({ removed: id }),
  };
}

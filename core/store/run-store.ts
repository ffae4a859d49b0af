import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import { type Run, type RunSummary, runSchema } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import type { ProjectId, RunId } from '#shared/model/units.ts';
import { runIdSchema } from '#shared/model/units.ts';
import { upgradeTimeline } from '#shared/timeline/index.ts';
import { type ConsoleLog, createConsoleLog, readConsoleLog } from './console-log.ts';
import type { Layout } from './layout.ts';
import { isAlive, ownerSchema, thisProcess } from './owner.ts';
import { readJson } from './read-json.ts';
import { createRunIndex, type IndexedRun } from './run-index.ts';
import { toStoreError } from './store-error.ts';
import { namesIn, removeTemps, undefinedIfMissing, writeAtomic } from './write-atomic.ts';

/** The writer of a run under way. */
export interface RunRecorder {
  /** Replaces the stored state of the run. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly save: (run: Run) => Promise<void>;
  /** As `save`, for the last time: only its console is added afterwards. */
  readonly finish: (run: Run) => Promise<void>;
  /** Takes console bytes as fast as they come, before and after `finish`; bounded on disk and in memory. */
  readonly appendConsole: (chunk: Uint8Array) => void;
  /** The kept part of the console's bytes from `from` to `to`. Errors: STORE_UNUSABLE. */
  readonly readConsole: ConsoleLog['read'];
  /** Resolves when the console so far is stored. Errors: DISK_FULL, STORE_UNUSABLE, once. */
  readonly flushConsole: () => Promise<void>;
}

/** The leftovers of processes that were killed. */
export interface Recovery {
  readonly interrupted: readonly RunId[];
  /** Invalid files, moved aside. */
  readonly setAside: readonly SetAside[];
  readonly removedTemps: number;
}
export interface SetAside {
  readonly path: string;
  readonly movedTo: string;
  readonly reason: string;
}

export interface RunFilter {
  readonly projectId?: ProjectId | undefined;
  /** Default: 100. */
  readonly limit?: number;
  /** Ends the listing with an AbortError when the caller stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs on disk, consistent at every moment, shared by all processes of a user. */
export interface RunStore {
  /** Errors: DISK_FULL, STORE_UNUSABLE. Takes a few ms (the disk's): start it beside the boot, not before it. */
  readonly begin: (run: Run) => Promise<RunRecorder>;
  /** Errors: NOT_FOUND. */
  readonly get: (id: RunId) => Promise<Run>;
  /** Newest first. An unreadable run is set aside and left out. */
  readonly list: (filter?: RunFilter) => Promise<RunSummary[]>;
  /** The console's output piece by piece, with a line in place of each part that was too long to keep. Errors: NOT_FOUND. */
  readonly readConsole: (id: RunId) => AsyncGenerator<Uint8Array>;
  /** Gives a run a name, or (null) takes it away. Errors: NOT_FOUND; CONFLICT while the run is under way; DISK_FULL. */
  readonly rename: (id: RunId, name: string | null) => Promise<RunSummary>;
  /** Errors: NOT_FOUND; CONFLICT while the run is under way. */
  readonly remove: (id: RunId) => Promise<void>;
  /**
   * At start: runs of dead processes become `interrupted`, half-written files go. Never throws for faults that it
   * finds.
   */
  readonly recover: () => Promise<Recovery>;
  /** Resolves when all writes are done. Call it before the program ends. */
  readonly finishMaintenance: () => Promise<void>;
}

export interface RunStoreOptions {
  readonly limits?: Partial<RunLimits>;
  /** Called when a file is set aside. */
  readonly log?: (line: string) => void;
}

/** The limits of the store. Beyond any of them the oldest runs are dropped, but never the newest one. */
export interface RunLimits {
  /** The most runs of one function. */
  readonly perFunction: number;
  readonly total: number;
  /** The size of runs with their consoles, on disk. */
  readonly bytes: number;
}

/** A series of 200 runs shows a difference of a twentieth of its spread; 2,000 runs of a usual size are 80 MB. */
export const runLimits: RunLimits = { perFunction: 200, total: 2_000, bytes: 1024 ** 3 };

const fileVersion = 1;
const runFileSchema = z.object({ version: z.literal(fileVersion), run: runSchema });
const runFileName = 'run.json';
const indexFileName = 'index.jsonl';

/** The store in `layout.runsDir`. Creates no files before the first run. */
export function createRunStore(layout: Layout, options: RunStoreOptions = {}): RunStore {
  const { log = () => undefined } = options;
  const limits = { ...runLimits, ...options.limits };
  const { runsDir } = layout;
  // A run under way has a file here that names its process, so that a start need not read every run.
  const runningDir = join(runsDir, 'running');
  const setAsideDir = join(runsDir, 'set-aside');
  const dirOf = (id: RunId) => join(runsDir, id);
  const markerOf = (id: RunId) => join(runningDir, `${id}.json`);
  const index = createRunIndex(join(runsDir, indexFileName));
  /** Runs whose consoles continued after the measurement. */
  const grown = new Set<RunId>();

  const write = (run: Run) =>
    writeAtomic(join(dirOf(run.id), runFileName), JSON.stringify({ version: fileVersion, run }));

  async function setAside(path: string, name: string, reason: string): Promise<SetAside> {
    await mkdir(setAsideDir, { recursive: true, mode: 0o700 });
    const movedTo = join(setAsideDir, `${name}-${Date.now().toString(36)}`);
    await rename(path, movedTo);
    log(`Set aside ${path}: ${reason} It is now ${movedTo}.`);
    return { path, movedTo, reason };
  }

  /** The run, or undefined when there is none; an invalid file is moved aside. */
  async function load(id: RunId, onSetAside: (what: SetAside) => void = () => undefined): Promise<Run | undefined> {
    const found = await readJson(join(dirOf(id), runFileName), runFileSchema);
    if (found.ok) return found.value && upgradeRun(found.value.run);
    // Two processes may find it at once: the second finds it gone.
    const moved = await setAside(dirOf(id), id, found.reason).catch(undefinedIfMissing);
    if (moved !== undefined) onSetAside(moved);
    return undefined;
  }

  async function idsNewestFirst(): Promise<RunId[]> {
    const ids: RunId[] = [];
    for (const name of await namesIn(runsDir)) {
      const id = runIdSchema.safeParse(name);
      if (id.success) ids.push(id.data);
    }
    // A time with more digits is later than one with fewer.
    const key = (id: RunId) => id.split('-')[0]?.padStart(10, '0') + id;
    return ids.sort((a, b) => (key(a) < key(b) ? 1 : -1));
  }

  /** The version of a run's file on disk; undefined when there is no file. */
  async function stampOf(id: RunId): Promise<string | undefined> {
    const found = await stat(join(dirOf(id), runFileName)).catch(undefinedIfMissing);
    return found && `${found.ino} ${found.mtimeMs} ${found.size}`;
  }

  /**
   * The line of a run: from the index while that has the current version of the run's file, otherwise from the file.
   */
  async function summaryOf(id: RunId, indexed: IndexedRun | undefined): Promise<RunSummary | undefined> {
    const stamp = await stampOf(id);
    if (stamp === undefined) return undefined;
    if (indexed?.stamp === stamp) return indexed.summary;
    const run = await load(id);
    if (run === undefined) return undefined;
    const summary = summarizeRun(run);
    // One that is under way may be written again within the same tick of the file system's clock.
    if (run.outcome !== 'running') await addToIndex(id, summary);
    return summary;
  }

  /** Never fails: an entry missing in the index is read from the run. */
  async function addToIndex(id: RunId, summary: RunSummary): Promise<void> {
    try {
      const stamp = await stampOf(id);
      if (stamp !== undefined) await index.add({ summary, stamp, bytes: await bytesIn(dirOf(id)) });
    } catch (thrown) {
      log(`Could not add run ${id} to the index: ${toStoreError(thrown, 'write in', runsDir).message}`);
    }
  }

  async function drop(id: RunId): Promise<void> {
    await rm(dirOf(id), { recursive: true, force: true });
    await rm(markerOf(id), { force: true });
    await index.remove(id);
  }

  /** The process that makes this run now, if any. */
  async function isUnderWay(id: RunId): Promise<boolean> {
    const marker = await readJson(markerOf(id), ownerSchema);
    return marker.ok && marker.value !== undefined && isAlive(marker.value);
  }

  async function refuseUnderWay(id: RunId): Promise<void> {
    if (!(await isUnderWay(id))) return;
    throw new FirstlightError('CONFLICT', `Run ${id} is under way.`, { hint: 'Stop its instance first.' });
  }

  /** Drops the oldest runs beyond the limits. */
  async function prune(): Promise<void> {
    const indexed = await index.read();
    const counts = new Map<ProjectId, number>();
    let total = 0;
    let bytes = 0;
    for (const id of await idsNewestFirst()) {
      const entry = indexed.get(id);
      // A run missing in the index is under way, or has just been finished by another process, which prunes as well.
      if (entry === undefined) continue;
      const { projectId } = entry.summary;
      const ofFunction = (counts.get(projectId) ?? 0) + 1;
      const within =
        ofFunction <= limits.perFunction && total + 1 <= limits.total && bytes + entry.bytes <= limits.bytes;
      if (!within && total > 0 && !(await isUnderWay(id))) {
        await drop(id);
        continue;
      }
      counts.set(projectId, ofFunction);
      total += 1;
      bytes += entry.bytes;
    }
  }

  /** Background work: the index, and runs beyond the limits. One task at a time; it never fails. */
  let maintenance: Promise<void> = Promise.resolve();
  function maintain(work: () => Promise<void>): void {
    maintenance = maintenance.then(work).catch((thrown) => {
      log(`Could not tidy the runs: ${toStoreError(thrown, 'write in', runsDir).message}`);
    });
  }

  async function indexAndPrune(id: RunId, summary: RunSummary): Promise<void> {
    await addToIndex(id, summary);
    const indexed = await index.read();
    for (const other of grown) {
      const entry = indexed.get(other);
      if (entry !== undefined) await addToIndex(other, entry.summary);
    }
    grown.clear();
    await prune();
  }

  /** Adds the runs that the index lacks, as after an update or a kill. */
  async function completeIndex(): Promise<void> {
    const indexed = await index.read();
    for (const id of await idsNewestFirst()) if (!indexed.has(id)) await summaryOf(id, undefined);
    await prune();
  }

  async function recoverOne(name: string, interrupted: RunId[], aside: SetAside[]): Promise<void> {
    const marker = join(runningDir, name);
    const id = runIdSchema.safeParse(name.replace(/\.json$/, ''));
    if (!id.success) return;
    const owner = await readJson(marker, ownerSchema);
    if (owner.ok && (owner.value === undefined || isAlive(owner.value))) return;
    const run = await load(id.data, (what) => aside.push(what));
    if (run?.outcome === 'running') {
      await write({ ...run, outcome: 'interrupted' });
      interrupted.push(id.data);
    }
    // Killed between making the folder and writing the run: it is empty.
    if (run === undefined) await rm(dirOf(id.data), { recursive: true, force: true });
    else await removeTemps(dirOf(id.data), 0);
    await rm(marker, { force: true });
  }

  return {
    begin: async (run) => {
      const dir = dirOf(run.id);
      let made = false;
      try {
        await layout.ensure(runsDir);
        await mkdir(runningDir, { recursive: true, mode: 0o700 });
        await writeAtomic(markerOf(run.id), JSON.stringify(thisProcess()));
        await mkdir(dir, { mode: 0o700 });
        made = true;
        await write(run);
      } catch (thrown) {
        if (made) await rm(dir, { recursive: true, force: true });
        await rm(markerOf(run.id), { force: true });
        throw toStoreError(thrown, 'keep the run in', dir);
      }
      const consoleLog = createConsoleLog(dir);
      let finished = false;
      return {
        save: write,
        finish: async (final) => {
          await write(final);
          await rm(markerOf(run.id), { force: true });
          finished = true;
          maintain(() => indexAndPrune(run.id, summarizeRun(final)));
        },
        appendConsole: (chunk) => {
          if (finished) grown.add(run.id);
          consoleLog.append(chunk);
        },
        readConsole: consoleLog.read,
        flushConsole: consoleLog.flush,
      };
    },

    get: async (id) => {
      const run = await load(id);
      if (run === undefined) throw noSuchRun(id);
      return run;
    },

    list: async ({ projectId, limit = 100, signal } = {}) => {
      await maintenance;
      const indexed = await index.read();
      const found: RunSummary[] = [];
      for (const id of await idsNewestFirst()) {
        if (found.length >= limit) break;
        signal?.throwIfAborted();
        const entry = indexed.get(id);
        if (projectId !== undefined && entry !== undefined && entry.summary.projectId !== projectId) continue;
        const summary = await summaryOf(id, entry);
        if (summary !== undefined && (projectId === undefined || summary.projectId === projectId)) found.push(summary);
      }
      return found;
    },

    readConsole: async function* (id) {
      if ((await stat(dirOf(id)).catch(undefinedIfMissing)) === undefined) throw noSuchRun(id);
      yield* readConsoleLog(dirOf(id));
    },

    rename: async (id, name) => {
      await refuseUnderWay(id);
      const run = await load(id);
      if (run === undefined) throw noSuchRun(id);
      const { name: _before, ...rest } = run;
      const renamed = name === null ? rest : { ...rest, name };
      try {
        await write(renamed);
      } catch (thrown) {
        throw toStoreError(thrown, 'keep the run in', dirOf(id));
      }
      const summary = summarizeRun(renamed);
      await addToIndex(id, summary);
      return summary;
    },

    remove: async (id) => {
      if ((await stat(dirOf(id)).catch(undefinedIfMissing)) === undefined) throw noSuchRun(id);
      await refuseUnderWay(id);
      await drop(id);
    },

    recover: async () => {
      const interrupted: RunId[] = [];
      const aside: SetAside[] = [];
      for (const name of await namesIn(runningDir)) {
        try {
          await recoverOne(name, interrupted, aside);
        } catch (thrown) {
          log(`Could not recover run ${name}: ${toStoreError(thrown, 'recover', runningDir).message}`);
        }
      }
      const removedTemps = (await removeTemps(layout.dataDir)) + (await removeTemps(runningDir));
      maintain(completeIndex);
      return { interrupted, setAside: aside, removedTemps };
    },

    finishMaintenance: () => maintenance,
  };
}

/** The size of all files in a folder. */
async function bytesIn(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(dir)) bytes += (await stat(join(dir, name)).catch(undefinedIfMissing))?.size ?? 0;
  return bytes;
}

/** A run that an earlier version stored, in the current form. */
const upgradeRun = (run: Run): Run =>
  run.timeline === null ? run : { ...run, timeline: upgradeTimeline(run.timeline) };

/** An id that no other run has, and that sorts by time. */
export function newRunId(): RunId {
  const random = Array.from({ length: 6 }, () => Math.floor(Math.random() * 36).toString(36)).join('');
  return runIdSchema.parse(`${Date.now().toString(36).padStart(8, '0')}-${random}`);
}

const noSuchRun = (id: RunId) =>
  new FirstlightError('NOT_FOUND', `There is no run ${id}.`, { hint: '`firstlight runs` lists those that are kept.' });

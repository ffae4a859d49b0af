import { countFiles } from './check-files.ts';
import { startEngine } from './engine.ts';
import { emberFiles, makeHome } from './home.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { becomes, descriptorsOf, machinesOf } from './processes.ts';
import { createTally } from './tally.ts';

/** The resources of an engine. Units: bytes; descriptors and files are counts. */
interface Holding {
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly descriptors: number;
  readonly files: number;
}

/** The list of ended instances and the caches of compiled code are full after this many starts. */
const warmUp = 60;
const sampleEvery = 50;
/** A leaking start once kept its console, its request and its instance: 66 KB. A tenth of that is a leak, too. */
const leakBytesPerStart = 6_600;
/** The garbage that collection sometimes leaves, independent of the count. */
const slackBytes = 1.5 * 2 ** 20;
/** What the system may count of an engine beyond its heap, for good: pages that an allocator keeps. */
const slackRssBytes = 24 * 2 ** 20;

/** Starts a function again and again in one engine: memory, descriptors and files must stay constant. */
export async function soakStarts({ count, signal, log }: SoakOptions): Promise<SoakReport> {
  const tally = createTally(log);
  const home = makeHome();
  const engine = startEngine(home);
  try {
    const { id: projectId } = await engine.call('projects:open', { dir: home.project('hello', emberFiles('hello')) });
    const start = async (index: number) => {
      const startMode = index % 4 === 3 ? 'prestarted' : 'cold';
      const run = await engine.call('instances:run', {
        projectId,
        startMode,
        lifetime: 'stop',
        event: { word: `${index}` },
      });
      if (run.error !== null) tally.harm(`start ${index}: ${run.error.code}: ${run.error.message}`);
      tally.add('starts');
    };
    const hold = async (): Promise<Holding> => {
      // One instance waits prestarted; stopped ones remove their sockets when libvirt reports their end.
      await becomes(() => machinesOf(home.dir).length <= 1, 20_000);
      return {
        ...(await engine.memory()),
        descriptors: descriptorsOf(engine.child.pid ?? 0),
        files: countFiles(home.dir),
      };
    };
    const warm = Math.min(warmUp, count);
    for (let index = 0; index < warm && !signal.aborted; index++) await start(index);
    const first = await hold();
    log(`after ${warm} starts: ${show(first)}`);
    const samples: Holding[] = [];
    for (let index = warm; index < warm + count && !signal.aborted; index++) {
      await start(index);
      if ((index - warm) % sampleEvery === sampleEvery - 1) {
        samples.push(await hold());
        log(`after ${index + 1} starts: ${show(samples.at(-1) as Holding)}`);
      }
    }
    if (signal.aborted) return tally.report();
    const last = await hold();
    log(`after ${warm + count} starts: ${show(last)}`);
    const grown = last.heapBytes - first.heapBytes;
    tally.add('heap at the start, bytes', first.heapBytes);
    tally.add('heap at the end, bytes', last.heapBytes);
    tally.add('resident at the start, bytes', first.rssBytes);
    tally.add('resident at the end, bytes', last.rssBytes);
    tally.add('descriptors at the start', first.descriptors);
    tally.add('descriptors at the end', last.descriptors);
    tally.add('files at the start', first.files);
    tally.add('files at the end', last.files);
    if (grown > slackBytes + leakBytesPerStart * count) tally.harm(`${count} starts left ${grown} bytes of heap`);
    const grownRss = last.rssBytes - first.rssBytes;
    if (grownRss > slackRssBytes + leakBytesPerStart * count) {
      tally.harm(`${count} starts left ${grownRss} bytes resident`);
    }
    if (last.descriptors > first.descriptors + 2)
      tally.harm(`${count} starts: descriptors ${show(first)}, then ${show(last)}`);
    if (last.files > first.files + 2) tally.harm(`${count} starts: files ${show(first)}, then ${show(last)}`);
  } finally {
    await engine.close();
    await home.close();
  }
  return tally.report();
}

const show = ({ heapBytes, rssBytes, descriptors, files }: Holding) =>
  `heap ${MiB(heapBytes)} MiB, resident ${MiB(rssBytes)} MiB, ${descriptors} descriptors, ${files} files`;
const MiB = (bytes: number) => (bytes / 2 ** 20).toFixed(2);

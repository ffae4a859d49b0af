import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '@firstlight/files/testing';
import type { Instance } from '#shared/model/instance.ts';
import type { RunSummary } from '#shared/model/run.ts';
import { invokeKept } from './bystanders.ts';
import { findHalfFiles } from './check-files.ts';
import { startEngine } from './engine.ts';
import { type CliResult, emberFiles, functionSource, makeHome, type SoakHome, type StartOptions } from './home.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { becomes } from './processes.ts';
import { createTally, type Tally } from './tally.ts';

/** A resource that a machine may lack. Shape: `cause` creates the lack and returns the function that undoes it. */
interface Fault {
  readonly name: string;
  readonly cause: (home: SoakHome, random: Random) => { readonly start?: StartOptions; readonly undo: () => void };
}

/** Room for some images and runs, so that little data fills it. */
const diskMiB = 96;
/** Node itself needs some twenty to start. */
const fewestDescriptors = 28;

const faults: readonly Fault[] = [
  {
    name: 'disk full',
    cause: (home, random) => {
      const filler = join(home.dir, 'filler');
      const { bavail, bsize } = statfsSync(home.dir);
      // No room at all, or enough for the first, the second, the third write of a command.
      const leftBytes = random.chance(0.3) ? 0 : random.below(6 * 2 ** 20);
      fill(filler, Math.max(0, bavail * bsize - leftBytes));
      return { undo: () => rmSync(filler) };
    },
  },
  {
    name: 'read-only',
    cause: (home) => {
      remount(home.dir, 'ro');
      return { undo: () => remount(home.dir, 'rw') };
    },
  },
  {
    name: 'few descriptors',
    cause: (_home, random) => {
      const most = fewestDescriptors + random.below(40);
      return { start: { within: ['prlimit', `--nofile=${most}:${most}`] }, undo: () => undefined };
    },
  },
];

/** Uses every kind of command while the machine lacks a resource: each reports that, and all state stays intact. */
export async function soakFaults({ count, seed, signal, log }: SoakOptions): Promise<SoakReport> {
  if (process.getuid?.() !== 0) return { counts: {}, harm: ['file systems of their own need root'] };
  const tally = createTally(log);
  const random = createRandom(seed);
  const dir = mkdtempSync('/var/tmp/fl-soak-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m,mode=0755`, 'soak', dir]);
  const home = makeHome(dir);
  try {
    const hello = home.project('hello', emberFiles('hello'));
    const kept = await home.json<{ instance: Instance }>(['run', hello, '--keep']);
    const { id } = kept.instance;
    for (let round = 0; round < count && !signal.aborted; round++) {
      for (const fault of faults) {
        if (signal.aborted) break;
        await strike({ home, hello, id, fault, random, tally });
      }
      if (!signal.aborted) await watchNothing(home, hello, `seen ${round}`, tally);
      log(`${round + 1} of ${count}, harm: ${tally.harmCount()}`);
    }
  } finally {
    await home.run(['stop', '--all']);
    // The mount is removed with the home.
    execFileSync('umount', ['--lazy', dir]);
    rmSync(dir, { recursive: true });
  }
  return tally.report();
}

interface Strike {
  readonly home: SoakHome;
  readonly hello: string;
  readonly id: string;
  readonly fault: Fault;
  readonly random: Random;
  readonly tally: Tally;
}

async function strike({ home, hello, id, fault, random, tally }: Strike): Promise<void> {
  const source = functionSource(random.below(1e9));
  writeFileSync(join(hello, 'handler.ts'), source);
  const before = await home.json<RunSummary[]>(['runs', '--limit', '1000']);
  const commands = [
    ['run', hello],
    ['build', hello],
    ['ps'],
    ['runs'],
    ['new', `fresh${random.below(1e9)}`],
    ['volume', 'new', `v${random.below(1e9)}`, '--size', '2'],
    ['invoke', id],
    ['doctor'],
  ];
  const args = commands[random.below(commands.length)] as string[];
  const { start, undo } = fault.cause(home, random);
  let result: CliResult;
  try {
    result = await home.run([...args, '--json'], start);
  } finally {
    undo();
  }
  tally.add(`commands: ${fault.name}`);
  judge(`${fault.name}: ${args[0]}`, result, tally);
  await lookAfter({ home, hello, id, fault, random, tally }, source, before);
}

/** Checks that a command succeeded, or reported the fault and a remedy. */
function judge(what: string, { code, stdout, stderr }: CliResult, tally: Tally): void {
  const error = errorIn(stdout);
  if (code === 0) tally.add('commands that succeeded');
  // The doctor's report is its answer.
  else if (what.endsWith('doctor') && stdout.includes('"checks"')) tally.add('commands that reported it');
  else if (error === null) tally.harm(`${what} ended with ${code} and no error: ${stdout}${stderr}`);
  else {
    tally.add(`commands that said ${error.code}`);
    if (error.code === 'INTERNAL') tally.harm(`${what}: ${stdout}${stderr}`);
    if (!error.hint) tally.harm(`${what}: no hint: ${stdout}`);
    if (/^\s+at .*:\d+:\d+/m.test(stderr)) tally.harm(`${what} prints a stack: ${stderr}`);
  }
}

function errorIn(stdout: string): { readonly code: string; readonly hint?: string } | null {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return null;
  return (JSON.parse(line) as { error?: { code: string; hint?: string } }).error ?? null;
}

/** Checks that the earlier files still exist, complete, and that all commands work again. */
async function lookAfter(
  { home, hello, id, fault, tally }: Strike,
  source: string,
  before: readonly RunSummary[],
): Promise<void> {
  const after = await home.json<RunSummary[]>(['runs', '--limit', '1000']);
  const ids = new Set(after.map((run) => run.id));
  const lost = before.filter((run) => !ids.has(run.id));
  if (lost.length > 0) tally.harm(`${fault.name}: runs are lost: ${lost.map((run) => run.id)}`);
  tally.expect(`${fault.name}: the source`, readFileSync(join(hello, 'handler.ts'), 'utf8'), source);
  for (const line of findHalfFiles(home.dir)) tally.harm(`${fault.name}: ${line}`);
  await invokeKept(home, id, 'ember', randomBytes(4).toString('hex'), tally);
  const again = await home.run(['run', hello, '--json']);
  tally.expect(`${fault.name}: a run afterwards`, again.code, 0);
  if (again.code !== 0) tally.harm(`${again.stdout}${again.stderr}`);
}

/** Without a free inotify watch, an engine reports that it misses changes, and a build still has the present source. */
async function watchNothing(home: SoakHome, dir: string, word: string, tally: Tally): Promise<void> {
  const engine = startEngine(home, { FIRSTLIGHT_SOAK_WATCHES: '0' }, ['unshare', '--user', '--map-root-user']);
  try {
    const { id: projectId } = await engine.call('projects:open', { dir });
    await engine.call('projects:files', { projectId });
    const warned = await becomes(async () => (await engine.warnings()).length > 0, 20_000);
    const [warning] = await engine.warnings();
    if (!warned || !warning?.hint) tally.harm(`no inotify watches: no word with a hint: ${JSON.stringify(warning)}`);
    const ids = new Set<string>();
    for (const answer of [word, `${word} again`]) {
      writeFileSync(join(dir, 'handler.ts'), `export default () => '${answer}';`);
      // A build, not a run: the sockets of QEMU's user are not accessible in this namespace.
      ids.add((await engine.call('builds:build', { projectId })).image.id);
    }
    tally.expect('no inotify watches: images of two sources', ids.size, 2);
    tally.add('engines without inotify watches');
  } finally {
    await engine.close();
  }
}

const remount = (dir: string, mode: 'ro' | 'rw') => execFileSync('mount', ['-o', `remount,${mode}`, dir]);

function fill(path: string, bytes: number): void {
  execFileSync('fallocate', ['--length', String(Math.max(1, bytes)), path]);
}

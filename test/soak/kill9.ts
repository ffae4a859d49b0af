import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '@firstlight/files/testing';
import type { Instance } from '#shared/model/instance.ts';
import type { RunSummary } from '#shared/model/run.ts';
import { type Bystanders, invokeKept, startBystanders } from './bystanders.ts';
import { ageTemps, findHalfFiles, findTemps, namesIn } from './check-files.ts';
import { startEngine } from './engine.ts';
import { emberFiles, endProcess, functionSource, makeHome, makeNanosProject, nanosDir, type SoakHome } from './home.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { becomes, machinesOf, processesOf } from './processes.ts';
import { createTally, type Tally } from './tally.ts';

/** A victim. Shape: `start` begins it and settles when it has ended, with whether the kill ended it. */
interface Victim {
  readonly kind: string;
  readonly start: () => { readonly pid: number; readonly done: Promise<{ readonly killed: boolean }> };
}

/** libvirt ends our domains within seconds on a machine that is not busy: a leaked machine stays forever. */
const endsWithinMs = 90_000;
/** The interval of invocations of the bystanders; each check tests that they exist. */
const callEvery = 25;
/** The interval of a separate command that lists instances; it also runs after each kill of a kept instance. */
const listEvery = 5;
/** Probes of the machine are made again this often, so that they are killed too. */
const probeEvery = 8;

/** Kills processes that run functions with `kill -9` at random moments, and checks their leftovers. */
export async function soakKill9(options: SoakOptions): Promise<SoakReport> {
  const { count, seed, signal, log } = options;
  const tally = createTally(log);
  const random = createRandom(seed);
  const home = makeHome();
  let bystanders: Bystanders | null = null;
  try {
    const victims = await makeVictims(home);
    bystanders = await startBystanders(home, uriOf(home), tally);
    const usualMs = new Map<string, number>();
    for (let done = 0; done < count && !signal.aborted; done++) {
      const victim = victims[done % victims.length] as Victim;
      if (done % probeEvery === 0) rmSync(join(home.dir, 'cache/probes'), { recursive: true, force: true });
      if (random.chance(0.3)) writeFileSync(join(home.dir, 'p/hello/handler.ts'), functionSource(random.below(1e9)));
      const most = usualMs.get(victim.kind) ?? (await timeOf(victim));
      const { killed, tookMs } = await killAt(victim, random.below(most));
      if (signal.aborted) break;
      tally.add(killed ? `killed: ${victim.kind}` : 'ended before the kill');
      // The machine may be busy now, or was busy when the duration was measured.
      usualMs.set(victim.kind, killed ? most * 1.01 : (most + tookMs) / 2);
      tally.add('kills', killed ? 1 : 0);
      // Short commands once removed other processes' files; they take longer than the rest, so not each kill has one.
      const wasKept = /kept/.test(victim.kind);
      await lookAfter(home, bystanders, tally, wasKept || done % listEvery === 0);
      if (done % callEvery === callEvery - 1) {
        await bystanders.call();
        log(`${done + 1} of ${count}, harm: ${tally.harmCount()}`);
      }
    }
    await bystanders.call();
    await lookAtEnd(home, bystanders, tally);
  } finally {
    await bystanders?.close();
    // Now no process of this home may run any more.
    await becomes(() => processesOf(home.dir).length === 0, endsWithinMs);
    tally.expect('processes left', processesOf(home.dir), []);
    await home.close();
  }
  return tally.report();
}

const uriOf = (home: SoakHome) =>
  home.env.FIRSTLIGHT_URI ?? (process.getuid?.() === 0 ? 'qemu:///system' : 'qemu:///session');

async function makeVictims(home: SoakHome): Promise<Victim[]> {
  const hello = home.project('hello', emberFiles('hello'));
  const command = (kind: string, ...args: string[]): Victim => ({
    kind,
    start: () => {
      const { child, done } = home.start(['run', ...args, '--json']);
      return { pid: child.pid ?? 0, done: done.then(({ code }) => ({ killed: code === null })) };
    },
  });
  const victims = [
    command('cold', hello),
    command('prestarted', hello, '--start', 'prestarted'),
    command('kept', hello, '--keep'),
    engineVictim(home, hello),
  ];
  if (nanosDir === undefined) return victims;
  const nanos = await makeNanosProject(home, 'nanos');
  return [...victims, command('Nanos', nanos), command('Nanos, kept', nanos, '--keep')];
}

/** An engine like a studio's: an instance of its session, and one that waits prestarted. */
function engineVictim(home: SoakHome, dir: string): Victim {
  return {
    kind: 'engine',
    start: () => {
      const engine = startEngine(home);
      const use = async () => {
        const { id: projectId } = await engine.call('projects:open', { dir });
        await engine.call('instances:run', { projectId, startMode: 'prestarted', lifetime: 'session' });
        await engine.call('instances:run', { projectId, startMode: 'prestarted', lifetime: 'session' });
        await engine.close();
      };
      // The kill is not a failure of its calls.
      const used = use().catch(() => undefined);
      const exited = new Promise<{ killed: boolean }>((resolve) =>
        engine.child.once('exit', (_code, by) => resolve({ killed: by === 'SIGKILL' })),
      );
      return { pid: engine.child.pid ?? 0, done: used.then(() => exited) };
    },
  };
}

/** The duration of a victim without a kill. Units: ms. */
async function timeOf(victim: Victim): Promise<number> {
  const startedAt = performance.now();
  await victim.start().done;
  return performance.now() - startedAt;
}

async function killAt(victim: Victim, afterMs: number): Promise<{ killed: boolean; tookMs: number }> {
  const startedAt = performance.now();
  const { pid, done } = victim.start();
  await Promise.race([sleep(afterMs, undefined, { ref: false }), done]);
  endProcess(pid);
  const { killed } = await done;
  return { killed, tookMs: performance.now() - startedAt };
}

/**
 * Checks that a killed process leaves only kept instances that answer, and that no other process was harmed.
 * `byCommand` also lists the instances, which ends libvirt's leftovers.
 */
async function lookAfter(home: SoakHome, bystanders: Bystanders, tally: Tally, byCommand: boolean): Promise<void> {
  const mine = () => machinesOf(home.dir).filter(({ pid }) => !bystanders.neighbourPids.has(pid));
  const kept = byCommand ? await listKept(home) : [];
  if (!(await becomes(() => mine().length === kept.length, endsWithinMs))) {
    const commands = mine().map(({ command }) => command);
    tally.harm(`${commands.length} machines for ${kept.length} kept instances: ${commands.join('; ')}`);
    for (const { pid } of mine()) endProcess(pid);
  }
  for (const { id, runtime, state } of kept) {
    tally.expect(`state of the kept ${id}`, state, 'ready');
    await invokeKept(home, id, runtime, `w${id.slice(-4)}`, tally);
    const stopped = await home.run(['stop', id, '--json']);
    tally.expect(`stop ${id}`, stopped.code, 0);
    tally.add('kept instances that answered and were stopped');
  }
  for (const line of findHalfFiles(home.dir)) tally.harm(line);
  await bystanders.look();
}

async function listKept(home: SoakHome): Promise<Instance[]> {
  const listed = await home.json<Instance[]>(['ps']);
  return listed.filter(({ keep, state }) => keep && state !== 'stopped' && state !== 'failed');
}

/** Checks that a last start of every kind removes the killed processes' files on disk. */
async function lookAtEnd(home: SoakHome, bystanders: Bystanders, tally: Tally): Promise<void> {
  const mine = () => machinesOf(home.dir).filter(({ pid }) => !bystanders.neighbourPids.has(pid));
  await becomes(() => mine().length === 0, endsWithinMs);
  ageTemps(home.dir);
  writeFileSync(join(home.dir, 'p/hello/handler.ts'), functionSource('last'));
  await home.json(['run', join(home.dir, 'p/hello')]);
  const runs = await home.json<RunSummary[]>(['runs', '--limit', '1000']);
  tally.add('runs on record', runs.length);
  tally.expect('runs that are under way', runs.filter(({ outcome }) => outcome === 'running').length, 0);
  // A machine that was just ended still has its sockets open; the next start finds them free.
  const dirs = () => [...namesIn(join(home.dir, 'run/sockets')), ...namesIn(join(home.dir, 'cache/disks'))].length;
  const swept = await becomes(async () => {
    await home.json(['ps']);
    return dirs() <= bystanders.neighbourPids.size;
  }, endsWithinMs);
  if (!swept) tally.harm(`folders of instances that are gone: ${dirs() - bystanders.neighbourPids.size}`);
  tally.expect('temporary files', findTemps(home.dir), []);
  tally.expect('files in TMPDIR', namesIn(join(home.dir, 'tmp')), []);
}

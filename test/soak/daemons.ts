import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '@firstlight/files/testing';
import { FirstlightError } from '#shared/errors.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { Run } from '#shared/model/run.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { findHalfFiles } from './check-files.ts';
import { type EngineProcess, startEngine } from './engine.ts';
import { emberFiles, endProcess, makeHome, type SoakHome } from './home.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { type OwnLibvirtd, startOwnLibvirtd, whyNoOwnLibvirtd } from './own-libvirtd.ts';
import { becomes, machinesOf } from './processes.ts';
import { createTally, type Tally } from './tally.ts';

/** At its start libvirt checks all its earlier guests, and ends some; this takes long on a busy machine. */
const settlesMs = 60_000;

/**
 * Kills its own libvirtd, and QEMU, at random moments of runs, `count` times each. The engine continues with the next
 * run, and a kept instance outlives all kills.
 */
export async function soakDaemons({ count, seed, signal, log }: SoakOptions): Promise<SoakReport> {
  const reason = whyNoOwnLibvirtd();
  if (reason !== null) return { counts: {}, harm: [reason] };
  const tally = createTally(log);
  const random = createRandom(seed);
  const home = makeHome();
  let daemon: OwnLibvirtd | null = null;
  let engine: EngineProcess | null = null;
  try {
    daemon = await startOwnLibvirtd(home);
    engine = startEngine(home, { FIRSTLIGHT_URI: daemon.uri });
    const { id: projectId } = await engine.call('projects:open', { dir: home.project('hello', emberFiles('hello')) });
    const kept = await engine.call('instances:run', { projectId, lifetime: 'forever' });
    if (kept.instance === null || kept.error !== null) throw new Error(`Nothing was kept: ${kept.error?.message}`);
    const keptPids = new Set(machinesOf(home.dir).map(({ pid }) => pid));

    const startedAt = performance.now();
    const first = await runOnce(engine, projectId);
    if (first !== 'ok') throw first;
    // Kills come at any moment of a run.
    const usualMs = performance.now() - startedAt;
    for (let done = 0; done < count && !signal.aborted; done++) {
      for (const victim of ['libvirtd', 'QEMU'] as const) {
        const afterMs = random.below(usualMs);
        const running = runOnce(engine, projectId);
        if (victim === 'libvirtd') {
          await sleep(afterMs);
          await daemon.kill();
          // Down for a moment, or for longer than the engine waits.
          await sleep(random.chance(0.8) ? random.below(300) : 6_000);
          await daemon.start();
          tally.add('kills of libvirtd');
        } else {
          const machine = await firstOther(home, keptPids, afterMs);
          if (machine !== null) endProcess(machine);
          tally.add(machine === null ? 'runs that had ended before QEMU could be killed' : 'kills of QEMU');
        }
        const outcome = await running;
        judge(outcome, tally);
        await lookAfter({ home, engine, projectId, kept: kept.instance, keptPids, tally });
      }
      if (done % 10 === 9) log(`${done + 1} of ${count}, harm: ${tally.harmCount()}`);
    }
  } finally {
    if (daemon !== null) await home.run(['stop', '--all'], { env: { FIRSTLIGHT_URI: daemon.uri } });
    await engine?.close();
    await daemon?.close();
    await home.close();
  }
  return tally.report();
}

type Outcome = 'ok' | FirstlightError | Error;

async function runOnce(engine: EngineProcess, projectId: ProjectId): Promise<Outcome> {
  try {
    const run: Run = await engine.call('instances:run', { projectId, lifetime: 'stop' });
    if (run.error === null) return 'ok';
    return new FirstlightError(run.error.code, run.error.message, { hint: run.error.hint });
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

/** A disturbed run reports a code, a message and a remedy; none of them is a defect of ours. */
function judge(outcome: Outcome, tally: Tally): void {
  if (outcome === 'ok') tally.add('runs that succeeded all the same');
  else if (!(outcome instanceof FirstlightError)) tally.harm(`a run threw ${outcome.stack}`);
  else {
    tally.add(`runs that said ${outcome.code}`);
    if (outcome.code === 'INTERNAL') tally.harm(`a run said INTERNAL: ${outcome.message}`);
    if (outcome.code.startsWith('LIBVIRT') && outcome.hint === undefined) tally.harm(`no hint: ${outcome.message}`);
  }
}

/** The machine of a run, some time after its start; null when it has ended by then. */
async function firstOther(home: SoakHome, keptPids: ReadonlySet<number>, afterMs: number): Promise<number | null> {
  const others = () => machinesOf(home.dir).filter(({ pid }) => !keptPids.has(pid));
  await becomes(() => others().length > 0, 10_000);
  await sleep(afterMs / 2);
  return others()[0]?.pid ?? null;
}

interface Scene {
  readonly home: SoakHome;
  readonly engine: EngineProcess;
  readonly projectId: ProjectId;
  readonly kept: Pick<Instance, 'id'>;
  readonly keptPids: ReadonlySet<number>;
  readonly tally: Tally;
}

/** Checks that the engine is connected again, runs functions, and has no leftovers except the kept instances. */
async function lookAfter({ home, engine, projectId, kept, keptPids, tally }: Scene): Promise<void> {
  const connected = await becomes(
    async () => (await engine.call('app:info', {})).connection === 'connected',
    settlesMs,
  );
  if (!connected) tally.harm('the engine does not find its way back to libvirt');
  const outcomes: Outcome[] = [];
  const succeeds = await becomes(
    async () => outcomes.push(await runOnce(engine, projectId)) > 0 && outcomes.at(-1) === 'ok',
    settlesMs,
  );
  if (!succeeds) tally.harm(`no run succeeds any more: ${outcomes.at(-1)}`);
  const others = () => machinesOf(home.dir).filter(({ pid }) => !keptPids.has(pid));
  if (!(await becomes(() => others().length === 0, settlesMs))) {
    tally.harm(`left over: ${others().map(({ command }) => command)}`);
    for (const { pid } of others()) endProcess(pid);
  }
  const word = `w${Math.round(performance.now())}`;
  await engine.consoleOf(kept.id);
  const answer = await engine
    .call('instances:invoke', { instanceId: kept.id, event: { word } })
    .catch((thrown) => thrown);
  if (answer instanceof Error) return tally.harm(`the kept instance does not answer: ${answer.message}`);
  tally.expect('the kept instance answers', answer.response?.body ?? answer.error, { kind: 'json', value: { word } });
  if (!(await becomes(async () => (await engine.consoleOf(kept.id)).includes(word), 5_000))) {
    tally.harm('the kept instance lost its console');
  }
  tally.add('times the kept instance answered and showed it');
  for (const line of findHalfFiles(home.dir)) tally.harm(line);
}

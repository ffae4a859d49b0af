import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Baker, createBaker } from '#core/runtimes/ember/index.ts';
import { markNames } from '#core/runtimes/ember/layout.ts';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { locateResources } from '#core/store/resources.ts';
import { findFirecracker } from '#core/vmm/firecracker/find-firecracker.ts';
import { findJailer } from '#core/vmm/firecracker/find-jailer.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { makeOwnedDir } from '../../build/owned-dirs.mjs';
import { Machine } from '../../guest/test/machine.ts';
import { compareAssetsStarts, readingHandler } from './assets-start.ts';
import { round } from './figures.ts';
import { createFirecrackerStarter, type FirecrackerStart, startBareNode } from './firecracker.ts';
import { compareNetworkStarts } from './network-start.ts';
import type { BenchOptions } from './options.ts';
import { compareStartModes } from './start-modes.ts';

type Accel = 'tcg' | 'kvm';

const hello = `export default async function handler(event) { return { hello: event.name ?? 'world' }; }`;
/** Each step ends at the mark of its name. */
const steps = markNames.slice(1);
/** The time after which a guest will not answer any more. */
const patienceMs = 10_000;
/** The option that makes the counter count instructions. */
const countInstructions = ['-icount', 'shift=0,sleep=off'];
/** The counter may continue while a guest waits for the host: the minimum of some starts is the executed count. */
const countedStarts = 5;
/** QEMU opens its sockets and loads the image: a start is timed from the resume. */
const settleMs = 300;

/** One start. Units: `totalMs` from the resume to the answer; `ticks` of the guest's counter since its first instruction. */
interface Start {
  readonly totalMs: number;
  readonly entryTicks: number;
  readonly hz: number;
  readonly ticks: Readonly<Record<string, number>>;
}

/**
 * The cost of a start of `hello` from the guest's first instruction to the answer, step by step: in microseconds for
 * each accelerator that Ember runs under here, and in instructions. QEMU is started directly, without other costs. Then
 * starts with a disk of assets and without it, and up to an answer by HTTP, at a fixed address and by DHCP. Then whole cold starts, from nothing to the answer, in turn: in Firecracker, and of the same handler in a bare Node.js process. Last, every
 * start mode as the studio times it, under libvirt and in Firecracker, beside the floor.
 */
export async function benchEmber({ runs = 15, log }: BenchOptions) {
  const dir = await makeOwnedDir(join(tmpdir(), 'fl-ember-'));
  const { pathOf } = locateResources();
  const firmwarePath = pathOf(shipped.emberFirmware);
  const baker = createBaker({ workerPath: pathOf(shipped.bakeWorker) });
  try {
    const image = join(dir, 'hello.elf');
    await baker.bake({
      bundleCode: hello,
      env: {},
      memoryMiB: 64,
      kernelPath: pathOf(shipped.emberKernel),
      outPath: image,
    });
    const boot = (accel: Accel, hz: bigint, extra: readonly string[] = []) =>
      start({ image, accel, firmwarePath, extra }, hz);

    log('counting instructions');
    const counted: Start[] = [];
    for (let i = 0; i < countedStarts; i++) counted.push(await boot('tcg', 1_000_000_000n, countInstructions));
    const samples: Record<Accel, Start[]> = { tcg: [], kvm: [] };
    let isKvmUsable = true;
    for (let turn = 1; turn <= runs; turn++) {
      samples.tcg.push(await boot('tcg', hostHz(samples.tcg)));
      const accelerated = isKvmUsable ? await boot('kvm', hostHz(samples.kvm)).catch(() => null) : null;
      if (accelerated === null) isKvmUsable = false;
      else samples.kvm.push(accelerated);
      log(`${turn}/${runs}`);
    }
    return {
      instructions: fewest(counted),
      tcg: sumUp(samples.tcg),
      kvm: isKvmUsable ? sumUp(samples.kvm) : { skipped: 'Ember does not run under KVM here' },
      assets: await startsWithAssets(baker, dir, isKvmUsable ? ['tcg', 'kvm'] : ['tcg'], runs, log),
      network: await startsWithNetwork(baker, dir, isKvmUsable ? ['tcg', 'kvm'] : ['tcg'], runs, log),
      cold: await compareColdStarts(join(dir, 's'), image, runs, log),
      modes: await compareStartModes(runs, log),
    };
  } finally {
    await baker.close();
    rmSync(dir, { recursive: true });
  }
}

async function startsWithAssets(
  baker: Baker,
  dir: string,
  accels: readonly Accel[],
  runs: number,
  log: BenchOptions['log'],
) {
  const { pathOf } = locateResources();
  const image = join(dir, 'reads.elf');
  const kernelPath = pathOf(shipped.emberKernel);
  await baker.bake({ bundleCode: readingHandler, env: {}, memoryMiB: 64, kernelPath, outPath: image });
  const firmwarePath = pathOf(shipped.emberFirmware);
  return compareAssetsStarts({ image, dir, firmwarePath, accels, runs, log });
}

async function startsWithNetwork(
  baker: Baker,
  dir: string,
  accels: readonly Accel[],
  runs: number,
  log: BenchOptions['log'],
) {
  const { pathOf } = locateResources();
  const kernelPath = pathOf(shipped.emberNetworkKernel);
  if (!existsSync(kernelPath)) return { skipped: 'there was no source of lwIP when Ember was built' };
  const firmwarePath = pathOf(shipped.emberFirmware);
  const imageOf = (kind: string) => join(dir, `${kind}.elf`);
  return compareNetworkStarts({ baker, bundleCode: hello, kernelPath, firmwarePath, imageOf, accels, runs, log });
}

/** Cold starts in Firecracker, with its jailer and without, and of bare Node.js, in turn. Units: ms from the call to the answer. */
async function compareColdStarts(dir: string, image: string, runs: number, log: BenchOptions['log']) {
  const noSettings = { get: async () => ({}) };
  const program = await findFirecracker(noSettings, process.env);
  const jailer =
    program === null ? null : await findJailer(program, noSettings, { env: process.env, uid: process.getuid?.() ?? 0 });
  const unjailed = { program: null, reason: 'measured beside jailed ones' };
  const start = program === null ? null : await createFirecrackerStarter(program, unjailed, dir, image);
  const startJailed =
    program === null || jailer === null || jailer.program === null
      ? null
      : await createFirecrackerStarter(program, jailer, dir, image);
  const starts: FirecrackerStart[] = [];
  const jailed: FirecrackerStart[] = [];
  const bareNode: number[] = [];
  // The first of each fills caches, and the first guest measures the rate of its counter.
  for (let turn = 0; turn <= runs; turn++) {
    const hz = starts[0]?.hz ?? 0n;
    if (start !== null) starts.push(await start(hz));
    if (startJailed !== null) jailed.push(await startJailed(hz));
    const nodeMs = await startBareNode();
    if (turn > 0) bareNode.push(nodeMs);
    log(`cold ${turn}/${runs}`);
  }
  const why = jailer?.program === null ? jailer.reason : 'there is no firecracker';
  return {
    bareNode: spread(bareNode),
    firecracker:
      start === null
        ? { skipped: 'there is no firecracker in FIRSTLIGHT_FIRECRACKER or on PATH' }
        : sumUpCold(starts.slice(1), bareNode),
    firecrackerJailed: startJailed === null ? { skipped: why } : sumUpCold(jailed.slice(1), bareNode),
  };
}

function sumUpCold(starts: readonly FirecrackerStart[], bareNode: readonly number[]) {
  const stepNames = Object.keys(starts[0]?.steps ?? {});
  const ratios = starts.map(({ totalMs }, i) => totalMs / (bareNode[i] ?? 0));
  return {
    ...spread(starts.map(({ totalMs }) => totalMs)),
    steps: Object.fromEntries(stepNames.map((name) => [name, spread(starts.map(({ steps }) => steps[name] ?? 0))])),
    ratioToNode: round(quantile(ratios, 0.5)),
  };
}

const spread = (values: readonly number[]) => ({
  median: round(quantile(values, 0.5)),
  min: round(Math.min(...values)),
});

/** The counter's rate from the first start, so that later starts do not measure it; 0 for that first one. */
const hostHz = ([first]: readonly Start[]): bigint => BigInt(first?.hz ?? 0);

async function start(options: ConstructorParameters<typeof Machine>[0], tscHz: bigint): Promise<Start> {
  const machine = new Machine({ ...options, paused: true });
  try {
    await machine.open();
    machine.sendInvoke({ name: 'Ada' }, { tscHz, seed: randomBytes(32) });
    await sleep(settleMs);
    const resumedAt = performance.now();
    await machine.resume();
    await machine.next(patienceMs);
    const frame = await machine.next(patienceMs);
    if (frame.type !== 'response') throw new Error(`the guest answered with ${frame.type}`);
    const [entry] = frame.marks;
    const entryTicks = Number(entry?.tsc ?? 0n);
    const ticks = Object.fromEntries(frame.marks.map(({ name, tsc }) => [name, Number(tsc) - entryTicks]));
    const totalMs = (machine.arrivedAt.get(frame) ?? 0) - resumedAt;
    return { totalMs, entryTicks, hz: Number(frame.tscHz), ticks };
  } finally {
    await machine.close();
  }
}

/** The length of each step, and the total. Units: the counter's ticks. */
function stepsOf({ ticks }: Start): Record<string, number> {
  const lengths = steps.map((name, i) => [name, (ticks[name] ?? 0) - (ticks[markNames[i] as string] ?? 0)] as const);
  return { ...Object.fromEntries(lengths), total: ticks.respond ?? 0 };
}

function fewest(starts: readonly Start[]): Record<string, number> {
  const all = starts.map(stepsOf);
  const least = steps.map((name) => [name, Math.min(...all.map((one) => one[name] ?? 0))] as const);
  return { ...Object.fromEntries(least), total: least.reduce((sum, [, count]) => sum + count, 0) };
}

function sumUp(starts: readonly Start[]) {
  // The first start measured the rate of its counter.
  const warm = starts.length > 1 ? starts.slice(1) : starts;
  const inMicroseconds = warm.map((one) =>
    Object.fromEntries(Object.entries(stepsOf(one)).map(([name, ticks]) => [name, (ticks / one.hz) * 1e6])),
  );
  const middle = (name: string, share: number) =>
    round(
      quantile(
        inMicroseconds.map((one) => one[name] ?? 0),
        share,
      ),
    );
  const names = [...steps, 'total'];
  return {
    medianUs: Object.fromEntries(names.map((name) => [name, middle(name, 0.5)])),
    minUs: Object.fromEntries(names.map((name) => [name, middle(name, 0)])),
    resumeToAnswerMs: {
      median: round(
        quantile(
          warm.map(({ totalMs }) => totalMs),
          0.5,
        ),
      ),
      min: round(Math.min(...warm.map(({ totalMs }) => totalMs))),
    },
    runs: warm.length,
  };
}

import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { writeOverlay } from '@firstlight/disk';
import { chooseForwards } from '#core/runtime/user-network.ts';
import { greeting, readyMarker } from '#core/runtimes/nanos/session/wire.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import type { StartMode } from '#shared/model/timeline.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { round, summarize } from './figures.ts';
import { openStudio, type Studio } from './studio.ts';

/** A start mode on Nanos against QEMU alone. Units: ms; `ratio` of the medians. */
interface NanosResult {
  /** QEMU started directly with the same disk, from the start of its process to the answer of its function. */
  readonly qemuAloneMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly ratio: number;
  /** The time outside libvirt, QEMU and the guest: all but create, resume to listening, and request to response. */
  readonly ownMedianMs: number;
  readonly ownP95Ms: number;
  readonly libvirtMedianMs: number;
  readonly guestMedianMs: number;
  readonly runs: number;
}

interface Sample {
  readonly aloneMs: number;
  readonly totalMs: number;
  readonly ownMs: number;
  readonly libvirtMs: number;
  readonly guestMs: number;
}

/** The reason why Nanos is not measured here, or its requirement: a build of Nanos. */
export const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;

/** Click to response of `hello` on Node.js in Nanos, cold and prestarted, each in turn with QEMU alone on the same image. */
export async function measureNanos(runs: number, log: (line: string) => void) {
  const studio = await openStudio();
  try {
    const project = await createNanosProject(studio, 'bench-nanos');
    const { image } = await studio.client.call('builds:build', { projectId: project.id });
    const runOnce = async (startMode: StartMode): Promise<Run> => {
      const run = await studio.client.call('instances:run', { projectId: project.id, startMode, lifetime: 'session' });
      if (run.instance) await studio.removeInstance(run.instance.id);
      return run;
    };
    const first = await runOnce('cold');
    const isDirect = first.timeline?.marks.some(({ name }) => name === 'kernel.entered') ?? false;
    const alone = createAlone(image.path, studio.home, isDirect);
    const cold: Sample[] = [];
    const prestarted: Sample[] = [];
    for (let turn = 1; turn <= runs; turn += 1) {
      cold.push({ aloneMs: await alone(), ...readSample(await runOnce('cold')) });
      await studio.client.call('builds:build', { projectId: project.id, startMode: 'prestarted' });
      await studio.waitForPrestarted(project.id);
      prestarted.push({ aloneMs: await alone(), ...readSample(await runOnce('prestarted')) });
      const [one, other] = [cold.at(-1), prestarted.at(-1)];
      log(
        `${turn}/${runs}: cold ${round(one?.totalMs ?? 0)} ms, ours ${round(one?.ownMs ?? 0)} ms; prestarted ${round(other?.totalMs ?? 0)} ms, ours ${round(other?.ownMs ?? 0)} ms`,
      );
    }
    return { boot: isDirect ? 'direct' : 'disk', cold: sumUp(cold), prestarted: sumUp(prestarted) };
  } finally {
    await studio.close();
  }
}

/** The template `hello`, on Nanos. */
export async function createNanosProject(studio: Studio, name: string): Promise<Project> {
  await studio.client.call('kernels:install', { runtime: 'nanos', from: nanosDir ?? '' });
  const project = await studio.createProject(name);
  const configPath = join(project.dir, 'firstlight.json');
  const config = { ...JSON.parse(readFileSync(configPath, 'utf8')), runtime: 'nanos', memoryMiB: 256 };
  writeFileSync(configPath, JSON.stringify(config));
  return await studio.client.call('projects:open', { dir: project.dir });
}

function readSample({ timeline, outcome, error }: Run): Omit<Sample, 'aloneMs'> {
  if (outcome !== 'ok' || !timeline?.complete) {
    throw new Error(`a run came out as ${outcome}: ${error?.message ?? 'no error was given'}`);
  }
  const at = (name: string) => (timeline.marks.find((mark) => mark.name === name)?.atNs ?? Number.NaN) / 1e6;
  const totalMs = timeline.totalNs / 1e6;
  const libvirtMs = timeline.startMode === 'cold' ? at('domain.created') - at('domain.create') : 0;
  const bootMs = at('listening.seen') - at('domain.resume');
  const answerMs = at('response.received') - at('request.sent');
  return { totalMs, libvirtMs, guestMs: bootMs + answerMs, ownMs: totalMs - libvirtMs - bootMs - answerMs };
}

/** Starts QEMU directly on an image, by the same boot path with few options, and measures to the function's answer. */
function createAlone(imagePath: string, home: string, isDirect: boolean): () => Promise<number> {
  const kernel = isDirect ? ['-bios', findFirmware() ?? '', '-kernel', join(nanosDir ?? '', 'kernel.img')] : [];
  const disk = join(home, 'alone.qcow2');
  return async () => {
    const [forward] = await chooseForwards({ port: 8080, ports: [] });
    const port = forward?.hostPort ?? 0;
    const bytes = Number(readFileSync(imagePath).readBigUInt64BE(24));
    rmSync(disk, { force: true });
    await writeOverlay(disk, { name: imagePath, format: 'qcow2' }, bytes);
    const serial = await listenForMarker(join(home, 'alone.sock'));
    const startedAtMs = performance.now();
    const args = [
      ...['-machine', 'pc', '-accel', 'tcg', '-m', '256', '-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-serial', `unix:${join(home, 'alone.sock')}`, '-drive', `file=${disk},format=qcow2,if=virtio`],
      ...['-netdev', `user,id=n,hostfwd=tcp:127.0.0.1:${port}-10.0.2.15:8080`],
      ...['-device', 'virtio-net-pci,netdev=n,romfile=', ...kernel],
    ];
    const qemu = spawn('qemu-system-x86_64', args, { stdio: 'ignore' });
    try {
      const ended = new Promise<never>((_, reject) => {
        qemu.once('close', () => reject(new Error('QEMU ended before its function listened')));
      });
      ended.catch(() => undefined);
      await Promise.race([serial.seen, ended]);
      await ask(port);
      return performance.now() - startedAtMs;
    } finally {
      qemu.kill('SIGKILL');
      serial.close();
    }
  };
}

/** A socket for QEMU's serial port, and the time of the function's message that it listens. */
async function listenForMarker(path: string): Promise<{ readonly seen: Promise<void>; readonly close: () => void }> {
  rmSync(path, { force: true });
  const server = createServer();
  const seen = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      let printed = '';
      socket.on('data', (chunk: Buffer) => {
        printed += chunk.toString('latin1');
        if (printed.includes(readyMarker)) resolve();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { seen, close: () => server.close() };
}

function ask(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.write(`${greeting}${JSON.stringify({ type: 'invoke', id: 1, event: {}, deadlineMs: 10_000 })}\n`);
  });
}

function sumUp(samples: readonly Sample[]): NanosResult {
  const of = (key: keyof Sample) => samples.map((sample) => sample[key]);
  const total = summarize(of('totalMs'));
  const own = summarize(of('ownMs'));
  const qemuAloneMs = quantile(of('aloneMs'), 0.5);
  return {
    qemuAloneMs: round(qemuAloneMs),
    medianMs: total.median,
    p95Ms: total.p95,
    ratio: round(total.median / qemuAloneMs),
    ownMedianMs: own.median,
    ownP95Ms: own.p95,
    libvirtMedianMs: summarize(of('libvirtMs')).median,
    guestMedianMs: summarize(of('guestMs')).median,
    runs: samples.length,
  };
}

/** Cold starts in Firecracker, and of a bare Node.js process: from the call to the answer. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestMark } from '#core/runtime/session.ts';
import { openEmberSession } from '#core/runtimes/ember/guest-session.ts';
import { consolePortName, invokePortName, vsockPorts } from '#core/runtimes/ember/layout.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { thisProcess } from '#core/store/owner.ts';
import type { JailerChoice } from '#core/vmm/firecracker/find-jailer.ts';
import { createFirecrackerVmm } from '#core/vmm/firecracker/firecracker-vmm.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { createSocketDir, diskDirOf } from '#core/vmm/socket-dir.ts';

/** One start. Units: ms from the call, by step; marks in ticks. */
export interface FirecrackerStart {
  readonly totalMs: number;
  readonly steps: Readonly<Record<string, number>>;
  readonly marks: readonly GuestMark[];
  readonly hz: bigint;
}

/** A function that starts an image in Firecracker, with its jailer or without one, calls it once, and ends it. */
export async function createFirecrackerStarter(program: string, jailer: JailerChoice, dir: string, image: string) {
  const disksDir = join(dir, 'disks');
  await mkdir(disksDir, { recursive: true });
  const nothing = () => undefined;
  const listener = {
    ...{ onState: nothing, onLost: nothing, onReopened: nothing, onStarted: nothing },
    ...{ onPaused: nothing, onResumed: nothing, onEnded: nothing },
  };
  const layout = { socketsDir: dir, disksDir };
  const vmm = createFirecrackerVmm({
    program,
    jailer,
    layout,
    env: process.env,
    uid: process.getuid?.() ?? 0,
    listener,
  });
  const machine = plainMachine(
    { accel: 'kvm', memoryMiB: 64, vcpus: 1 },
    {
      kernel: { path: image, cmdline: '' },
      channels: [
        { name: invokePortName, carries: 'invocations', vsockPort: vsockPorts.invocations },
        { name: consolePortName, carries: 'output', vsockPort: vsockPorts.console },
      ],
    },
  );

  return async (tscHz: bigint): Promise<FirecrackerStart> => {
    const clickNs = hostNow();
    const since = (atNs: number) => (atNs - clickNs) / 1e6;
    let hz = tscHz;
    const sockets = await createSocketDir(dir, thisProcess());
    const placed = {
      machine,
      name: `firstlight-${randomUUID()}`,
      uuid: randomUUID(),
      title: 'bench',
      firmwarePath: null,
    };
    const running = await vmm.create({ ...placed, sockets }, { keep: false, metadata: null, doing: 'measure' });
    try {
      const channel = await running.openChannel(invokePortName);
      await running.openConsole(sockets);
      const session = openEmberSession(channel, {
        tscHz,
        onTscHz: (measured) => {
          hz = measured;
        },
      });
      const answering = session.invoke({ event: { name: 'Ada' }, timeoutMs: 5000 });
      const { sentNs, doneNs } = running.resume();
      const result = await answering;
      if (!result.outcome.ok) throw result.outcome.error;
      const steps = {
        ...Object.fromEntries((running.steps ?? []).map(({ name, atNs }) => [name, since(atNs)])),
        'start asked': since(sentNs),
        'start done': since(await doneNs),
      };
      return { totalMs: since(result.receivedAtNs), steps, marks: result.marks, hz };
    } finally {
      await running.kill();
      for (const used of [sockets.dir, diskDirOf(layout, sockets.dir)])
        await rm(used, { recursive: true, force: true });
    }
  };
}

const bare = `const handler = async (event) => ({ hello: event.name ?? 'world' });
handler(JSON.parse(process.argv[1])).then((answer) => process.stdout.write(JSON.stringify(answer)));`;

/** Units: ms from the call to the answer of the same handler in a Node.js process that is started for it. */
export async function startBareNode(): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['-e', bare, '{"name":"Ada"}'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const answeredMs = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', () => resolve(performance.now() - startedAt));
    child.once('error', reject);
    child.once('exit', () => reject(new Error('Node.js did not answer')));
  });
  await new Promise<void>((resolve) => (child.exitCode === null ? child.once('exit', () => resolve()) : resolve()));
  return answeredMs;
}

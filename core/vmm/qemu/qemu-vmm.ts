import { launch } from '#core/exec/launch.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { PlacedMachine } from '../machine.ts';
import { readProcessUse } from '../process-use.ts';
import { unsupported } from '../unsupported.ts';
import type { MachineMetadata, RunningMachine, Vmm, VmmListener } from '../vmm.ts';
import { type Execute, openMonitor } from './monitor.ts';
import { qemuProgram, writeQemuArgs } from './qemu-command.ts';
import { qemuMachine } from './qemu-machine.ts';
import { readQemuVersion } from './qemu-version.ts';

export interface QemuVmmOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The path of a machine's QMP socket. */
  readonly qmpSocketOf: (name: string) => string;
  readonly listener: Pick<VmmListener, 'onStarted' | 'onPaused' | 'onResumed' | 'onEnded'>;
}

/**
 * QEMU without libvirt, for places without it: a pod, a node. Its machines belong to this process: it lists no others,
 * and keeps none.
 */
export function createQemuVmm({ env, qmpSocketOf, listener }: QemuVmmOptions): Vmm {
  const running = new Map<string, { readonly machine: RunningMachine; readonly pid: number | undefined }>();
  const noWait = async () => undefined;

  async function create(placed: PlacedMachine, metadata: MachineMetadata | null): Promise<RunningMachine> {
    const path = qmpSocketOf(placed.name);
    const args = writeQemuArgs(placed, path);
    const { pid, exited, close } = launch(qemuProgram, args, env);
    let monitor: Execute;
    try {
      monitor = await Promise.race([openMonitor(path), failedToStart(exited, placed.name)]);
    } catch (thrown) {
      close();
      // The socket may report the end before the process does.
      if (thrown instanceof FirstlightError && thrown.code === 'INSTANCE_LOST')
        return await failedToStart(exited, placed.name);
      throw thrown;
    }
    const ended = exited.then(
      ({ code }) => code,
      () => null,
    );
    let isKilled = false;
    const kill = async () => {
      isKilled = true;
      close();
      await ended;
    };
    const onPaused = (isPaused: boolean) =>
      isPaused ? listener.onPaused(placed.uuid) : listener.onResumed(placed.uuid);
    const machine = qemuMachine(placed, { args, monitor, kill, metadata, onPaused });
    running.set(placed.uuid, { machine, pid });
    listener.onStarted(machine);
    // Like libvirt, which ends the machines of a client that is gone.
    const onExit = () => close();
    process.once('exit', onExit);
    void ended.then((code) => {
      process.off('exit', onExit);
      running.delete(placed.uuid);
      listener.onEnded(placed.uuid, isKilled ? 'destroyed' : code === 0 ? 'shutdown' : 'vmm-ended');
    });
    return machine;
  }

  return {
    id: 'qemu',
    uri: 'qemu',
    state: 'connected',
    failure: null,
    runsAsThisUser: true,
    connect: noWait,
    create: async (placed, { keep, metadata }) => {
      if (keep) throw unsupported('QEMU alone', 'a life after this program', 'Choose libvirt, which keeps machines.');
      return await create(placed, metadata);
    },
    list: async () => [...running.values()].map(({ machine }) => machine),
    readStats: async (machines) =>
      machines.flatMap((machine) => {
        const use = readProcessUse(running.get(machine.uuid)?.pid ?? 0);
        const devices = { diskReadBytes: 0, diskWriteBytes: 0, netReceiveBytes: 0, netTransmitBytes: 0 };
        return use === null ? [] : [{ machine, atNs: hostNow(), ...use, ...devices }];
      }),
    findProcess: (name) => [...running.values()].find(({ machine }) => machine.name === name)?.pid ?? null,
    readVersions: async () => ({ qemu: await readQemuVersion() }),
    close: async () => {
      await Promise.all([...running.values()].map(({ machine }) => machine.kill()));
    },
  };
}

async function failedToStart(exited: Promise<{ readonly code: number | null }>, name: string): Promise<never> {
  const { code } = await exited;
  throw new FirstlightError('BOOT_FAILED', `QEMU ended before ${name} was there (exit code ${code}).`, {
    hint: 'Run `firstlight doctor`: it looks at QEMU and the accelerator.',
    details: { subject: name },
  });
}

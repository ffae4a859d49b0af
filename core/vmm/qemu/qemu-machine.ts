import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import { connectConsole, connectSerial } from '../connect-console.ts';
import { type PlacedMachine, placeChannels } from '../machine.ts';
import type { MachineMetadata, RunningMachine } from '../vmm.ts';
import type { Execute } from './monitor.ts';
import { qemuProgram } from './qemu-command.ts';

/** A QEMU process of ours. */
export interface QemuProcess {
  readonly args: readonly string[];
  readonly monitor: Execute;
  /** Ends it, and settles when it is gone. */
  readonly kill: () => Promise<void>;
  readonly metadata: MachineMetadata | null;
  readonly onPaused: (isPaused: boolean) => void;
}

/** A QEMU process as a machine that runs. */
export function qemuMachine(placed: PlacedMachine, process: QemuProcess): RunningMachine {
  const { name, uuid } = placed;
  const { monitor, onPaused } = process;
  const channels = placeChannels(placed);
  let metadata = process.metadata;
  let isPaused = true;
  const setPaused = async (next: boolean) => {
    await monitor(next ? 'stop' : 'cont');
    isPaused = next;
    onPaused(next);
  };
  return {
    name,
    uuid,
    resume: () => {
      const sentNs = hostNow();
      return { sentNs, doneNs: setPaused(false).then(hostNow) };
    },
    pause: () => setPaused(true),
    shutDown: () => monitor('system_powerdown'),
    kill: process.kill,
    readState: async () => (isPaused ? 'paused' : 'running'),
    openConsole: ({ serial, console }) =>
      connectConsole({ serial, output: channels.some(({ path }) => path === console) ? console : null }),
    openChannel: async (channel) => {
      const path = channels.find((one) => one.name === channel)?.path;
      if (path === undefined) throw new FirstlightError('NOT_FOUND', `${name} has no channel ${channel}.`);
      return await connectSerial(path);
    },
    readMetadata: async () => metadata,
    writeMetadata: async (next) => {
      metadata = next;
    },
    describe: async () => [qemuProgram, ...process.args].join(' '),
  };
}

import { Duplex, PassThrough } from 'node:stream';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { RunningMachine, VmmStep } from '../vmm.ts';
import type { ApiClient } from './api-client.ts';
import type { FirecrackerProcess } from './firecracker-process.ts';
import { type MachineFile, writeMachineFile } from './machine-file.ts';
import { openVsock } from './vsock-stream.ts';

export interface FirecrackerParts {
  readonly file: MachineFile;
  /** The folder of its file. */
  readonly dir: string;
  readonly vsockPath: string;
  readonly process: FirecrackerProcess;
  /** Its API, opened when first needed for a machine that was found. */
  readonly api: () => Promise<ApiClient>;
  /** The steps before the guest's start; empty for a machine that was found. */
  readonly steps: readonly VmmStep[];
  /** Streams to vsock ports that were opened ahead, by port. */
  readonly opened: Map<number, Duplex>;
  readonly isStarted: boolean;
  readonly onPaused: (isPaused: boolean) => void;
}

/** A Firecracker as a machine that runs. Until it is first resumed, it is configured and has no guest. */
export function firecrackerMachine(parts: FirecrackerParts): RunningMachine {
  const { dir, vsockPath, process, api, opened, onPaused } = parts;
  const { name, uuid, ports, consolePort } = parts.file;
  let file = parts.file;
  let isStarted = parts.isStarted;

  async function setState(state: 'Paused' | 'Resumed'): Promise<void> {
    const client = await api();
    if (isStarted) await client.request('PATCH', '/vm', { state });
    else if (state === 'Resumed') {
      isStarted = true;
      await client.request('PUT', '/actions', { action_type: 'InstanceStart' });
    }
    onPaused(state === 'Paused');
  }

  async function openPort(port: number): Promise<Duplex> {
    const ahead = opened.get(port);
    opened.delete(port);
    return ahead !== undefined && !ahead.destroyed ? ahead : await openVsock(vsockPath, port);
  }

  return {
    name,
    uuid,
    steps: parts.steps,
    resume: () => {
      const sentNs = hostNow();
      return { sentNs, doneNs: setState('Resumed').then(hostNow) };
    },
    pause: () => setState('Paused'),
    shutDown: async () => {
      await (await api()).request('PUT', '/actions', { action_type: 'SendCtrlAltDel' });
    },
    kill: process.kill,
    readState: async () => (isRunning(await (await api()).request('GET', '/')) ? 'running' : 'paused'),
    openConsole: async () => ({
      serial: serialOf(process),
      output: consolePort === null ? null : await openPort(consolePort),
    }),
    openChannel: async (channel) => {
      const port = ports[channel];
      if (port === undefined) throw new FirstlightError('NOT_FOUND', `${name} has no channel ${channel}.`);
      return await openPort(port);
    },
    readMetadata: async () => file.metadata,
    writeMetadata: async (metadata) => {
      file = { ...file, metadata: metadata as MachineFile['metadata'] };
      await writeMachineFile(dir, file);
    },
    describe: async () => JSON.stringify(await (await api()).request('GET', '/vm/config'), null, 2),
  };
}

function isRunning(info: unknown): boolean {
  return typeof info === 'object' && info !== null && 'state' in info && info.state === 'Running';
}

/**
 * The serial port is Firecracker's standard output. The output of a machine that another program started went to that
 * program.
 */
function serialOf({ piped, ended }: FirecrackerProcess): Duplex {
  if (piped !== null) {
    const serial = Duplex.from({ readable: piped.stdout, writable: piped.stdin });
    // The end of the machine reports a console that breaks.
    serial.on('error', () => undefined);
    return serial;
  }
  const silent = new PassThrough();
  void ended.then(() => silent.destroy());
  return silent;
}

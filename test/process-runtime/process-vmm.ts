/** A host whose machines are processes of Node.js: the `Vmm` of a runtime that starts no virtual machine. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostNow } from '#core/store/host-clock.ts';
import type { BuiltInHost } from '#core/vmm/built-in-host.ts';
import type { PlacedMachine } from '#core/vmm/machine.ts';
import { readProcessUse } from '#core/vmm/process-use.ts';
import type { MachineMetadata, RunningMachine, Vmm, VmmListener } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Node.js stops before it reads its script, as a virtual machine is created paused. */
const startStopped = ['-c', 'kill -STOP $$; exec "$0" "$1"'];

export const processHost: BuiltInHost = {
  name: 'processes',
  uri: 'processes',
  open: (listener) => ({ vmm: createProcessVmm(listener), accelerator }),
};

/** Its end is that of the process, which is reported: an error of the stream tells no more. */
const streamOf = (parts: Parameters<typeof Duplex.from>[0]) => Duplex.from(parts).on('error', () => undefined);

/** A signal to go on would be lost before it has stopped. */
async function untilStopped(pid: number): Promise<void> {
  while (!/^\d+ \(.*\) T/.test(await readFile(`/proc/${pid}/stat`, 'utf8'))) await sleep(1);
}

const choice = { kind: 'kvm', reason: 'nothing is emulated' } as const;
const accelerator = { known: () => choice, choose: async () => choice, probeAgain: async () => choice };

function createProcessVmm(listener: VmmListener): Vmm {
  const running = new Map<string, { readonly machine: RunningMachine; readonly child: Child }>();

  async function create(
    { machine: { kernel }, name, uuid }: PlacedMachine,
    { metadata: given }: { readonly metadata: MachineMetadata | null },
  ): Promise<RunningMachine> {
    if (kernel === null) throw new FirstlightError('MACHINE_UNSUPPORTED', 'A process has no disk to boot from.');
    const child = spawn('/bin/sh', [...startStopped, process.execPath, kernel.path], { stdio: 'pipe', env: {} });
    await once(child, 'spawn');
    await untilStopped(child.pid ?? 0);
    let metadata = given;
    let isRunning = false;
    const signal = (kind: 'SIGCONT' | 'SIGSTOP', then: (uuid: string) => void) => {
      child.kill(kind);
      isRunning = kind === 'SIGCONT';
      then(uuid);
    };
    const ended = once(child, 'exit').then(() => {
      running.delete(name);
      listener.onEnded(uuid, 'destroyed');
    });
    const machine: RunningMachine = {
      name,
      uuid,
      resume: () => {
        const sentNs = hostNow();
        signal('SIGCONT', listener.onResumed);
        return { sentNs, doneNs: Promise.resolve(hostNow()) };
      },
      pause: async () => signal('SIGSTOP', listener.onPaused),
      shutDown: async () => void child.kill('SIGTERM'),
      kill: async () => {
        child.kill('SIGKILL');
        await ended;
      },
      readState: async () => (isRunning ? 'running' : 'paused'),
      openConsole: async () => ({ serial: streamOf({ readable: child.stderr }), output: null }),
      openChannel: async () => streamOf({ readable: child.stdout, writable: child.stdin }),
      readMetadata: async () => metadata,
      writeMetadata: async (next) => {
        metadata = next;
      },
      describe: async () => `node ${kernel.path}`,
    };
    running.set(name, { machine, child });
    listener.onStarted(machine);
    return machine;
  }

  const pidOf = (name: string) => running.get(name)?.child.pid ?? null;
  return {
    id: 'processes',
    uri: 'processes',
    state: 'connected',
    failure: null,
    runsAsThisUser: true,
    connect: async () => undefined,
    create,
    list: async () => [...running.values()].map(({ machine }) => machine),
    readStats: async (machines) =>
      machines.flatMap((machine) => {
        const use = readProcessUse(pidOf(machine.name) ?? 0);
        const devices = { diskReadBytes: 0, diskWriteBytes: 0, netReceiveBytes: 0, netTransmitBytes: 0 };
        return use === null ? [] : [{ machine, atNs: hostNow(), ...use, ...devices }];
      }),
    findProcess: pidOf,
    readVersions: async () => ({ node: process.version }),
    close: async () => {
      await Promise.all([...running.values()].map(({ machine }) => machine.kill()));
    },
  };
}

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch } from '#core/exec/launch.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Vmm } from '../vmm.ts';
import { qemuProgram, writeQemuArgs } from './qemu-command.ts';

/** QEMU's own process is there within 50 ms, or some seconds on a busy machine. */
const startTimeoutMs = 10_000;
const pollMs = 10;

export interface QemuVmmOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where the QMP socket of a machine lies. */
  readonly qmpSocketOf: (name: string) => string;
}

/** QEMU without libvirt, for a place that has none: a pod, a node. Machines end with this process only when it stops them. */
export function createQemuVmm({ env, qmpSocketOf }: QemuVmmOptions): Vmm {
  return {
    id: 'qemu',
    start: async (placed) => {
      const path = qmpSocketOf(placed.name);
      const args = writeQemuArgs(placed, path);
      const { exited, close } = launch(qemuProgram, args, env);
      const ended = exited.then(
        () => undefined,
        () => undefined,
      );
      try {
        const monitor = await Promise.race([openMonitor(path), failedToStart(exited, placed.name)]);
        return {
          resume: () => monitor('cont'),
          pause: () => monitor('stop'),
          stop: async () => {
            close();
            await ended;
          },
          ended,
        };
      } catch (thrown) {
        close();
        // The socket may tell of its end before the process does.
        if (thrown instanceof FirstlightError && thrown.code === 'INSTANCE_LOST')
          return await failedToStart(exited, placed.name);
        throw thrown;
      }
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

/** A function that has QEMU execute one command and waits until it has. Errors: BOOT_FAILED when nobody listens in time. */
async function openMonitor(path: string): Promise<(command: string) => Promise<void>> {
  const socket = await connectInTime(path);
  const waiting: ((reply: { error?: { desc?: string } }) => void)[] = [];
  const lines = createInterface({ input: socket });
  // It hands on what breaks the socket.
  lines.on('error', () => undefined);
  lines.on('line', (line) => {
    const message = JSON.parse(line) as { return?: unknown; error?: { desc?: string } };
    if (message.return !== undefined || message.error !== undefined) waiting.shift()?.(message);
  });
  const execute = async (command: string) => {
    const reply = new Promise<{ error?: { desc?: string } }>((resolve, reject) => {
      waiting.push(resolve);
      socket.once('close', () => reject(new FirstlightError('INSTANCE_LOST', 'QEMU has ended.')));
    });
    socket.write(`${JSON.stringify({ execute: command })}\n`);
    const { error } = await reply;
    if (error !== undefined) throw new FirstlightError('BOOT_FAILED', `QEMU refused ${command}: ${error.desc}`);
  };
  await execute('qmp_capabilities');
  return execute;
}

async function connectInTime(path: string): Promise<Socket> {
  for (const end = performance.now() + startTimeoutMs; ; ) {
    const socket = connect(path);
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isOpen) {
      // What breaks it is told by the end of the process.
      socket.on('error', () => undefined);
      return socket;
    }
    if (performance.now() > end) throw new FirstlightError('BOOT_FAILED', `QEMU did not open ${path} in time.`);
    await sleep(pollMs);
  }
}

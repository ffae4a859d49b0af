import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { FirstlightError } from '#shared/errors.ts';

/** Has QEMU execute a QMP command, and settles when it has. Errors: BOOT_FAILED, INSTANCE_LOST. */
export type Execute = (command: string) => Promise<void>;

/** QEMU listens within 50 ms of its start, or some seconds on a busy machine. */
const startTimeoutMs = 10_000;
const pollMs = 10;

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
}

/** The QMP monitor on a socket. Errors: BOOT_FAILED when no process listens in time. */
export async function openMonitor(path: string): Promise<Execute> {
  const socket = await connectInTime(path);
  const waiting: ((reply: Reply) => void)[] = [];
  const lines = createInterface({ input: socket });
  // It repeats the errors of the socket.
  lines.on('error', () => undefined);
  lines.on('line', (line) => {
    const message = JSON.parse(line) as Reply;
    if (message.return !== undefined || message.error !== undefined) waiting.shift()?.(message);
  });
  const execute = async (command: string) => {
    const reply = new Promise<Reply>((resolve, reject) => {
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
      // The end of the process reports a socket that breaks.
      socket.on('error', () => undefined);
      return socket;
    }
    if (performance.now() > end) throw new FirstlightError('BOOT_FAILED', `QEMU did not open ${path} in time.`);
    await sleep(pollMs);
  }
}

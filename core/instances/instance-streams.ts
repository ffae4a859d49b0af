import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestSession } from '#core/runtime/session.ts';
import { socketPathsIn } from '#core/vmm/socket-dir.ts';
import type { ConsoleStreams, RunningMachine } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type ConsoleHub, createConsoleHub } from './console-hub.ts';
import type { InstanceRecord } from './instance-record.ts';

export interface InstanceStreamsOptions {
  readonly record: InstanceRecord;
  readonly runtime: Runtime;
  /** False for an instance of another live process, which has its console and channel. */
  readonly ours: boolean;
  /** The machine; another handle after the connection was reopened. */
  readonly machine: () => RunningMachine;
  /** True when the guest has executed nothing yet. */
  readonly isFresh: () => boolean;
  /** Settles when the machine is gone. */
  readonly ended: Promise<void>;
}

/** The console of an instance and the session with it, each opened when first needed. */
export interface InstanceStreams {
  readonly console: ConsoleHub;
  /** The session, while it is open. */
  readonly session: GuestSession | null;
  /** True when the console was closed from the other end. */
  readonly isConsoleClosed: boolean;
  /** Opens console and session, once. Errors: CONFLICT when another process has them; INSTANCE_LOST; LIBVIRT_*. */
  readonly connect: () => Promise<GuestSession>;
  /** Opens the console alone, once. Errors: CONFLICT when another process has it; CHANNEL_BROKEN. */
  readonly openConsole: () => Promise<void>;
}

/** The streams of an instance. Nothing is opened yet. */
export function createInstanceStreams(options: InstanceStreamsOptions): InstanceStreams {
  const { record, runtime, ours, machine, isFresh, ended } = options;
  const hub = createConsoleHub();
  let session: GuestSession | null = null;
  let streams: ConsoleStreams | null = null;
  let opening: Promise<GuestSession> | null = null;
  let openingConsole: Promise<void> | null = null;

  const inUse = (cause?: unknown) =>
    new FirstlightError(
      'CONFLICT',
      `The instance ${record.id} is in use by another Firstlight (process ${record.owner.pid}).`,
      { hint: 'Use it there, or end that program first.', cause },
    );

  async function openChannel(name: string) {
    try {
      return await machine().openChannel(name);
    } catch (thrown) {
      throw thrown instanceof FirstlightError && thrown.code === 'CONFLICT' ? inUse(thrown) : thrown;
    }
  }

  async function open(): Promise<GuestSession> {
    if (!ours) throw inUse();
    const { sessionInfo } = record;
    const opened = await runtime.openSession({
      sessionInfo,
      fresh: isFresh(),
      openChannel,
      onSerial: (listener) => hub.onSerial(listener),
      ended,
    });
    try {
      await openConsole();
    } catch (thrown) {
      // One client at a time can have the channel: left open, it would block every later try.
      opened.close();
      throw thrown;
    }
    session = opened;
    void opened.closed.then(() => {
      if (session === opened) session = null;
    });
    return opened;
  }

  async function openConsole(): Promise<void> {
    if (!ours) throw inUse();
    // QEMU serves one client at a time: a console that is still open is kept, as after a restart of libvirt.
    if (streams !== null && !streams.serial.destroyed) return;
    openingConsole ??= connectHub().finally(() => {
      openingConsole = null;
    });
    await openingConsole;
  }

  async function connectHub(): Promise<void> {
    streams = await machine().openConsole(socketPathsIn(record.socketDir));
    hub.connect(streams.serial, streams.output);
  }

  return {
    console: hub,
    get session() {
      return session;
    },
    get isConsoleClosed() {
      return streams?.serial.destroyed ?? false;
    },
    connect: async () => {
      if (session !== null) return session;
      opening ??= open().finally(() => {
        opening = null;
      });
      return await opening;
    },
    openConsole,
  };
}

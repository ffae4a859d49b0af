import { type Client, createClient } from '#shared/contract/client.ts';
import type { CallInput, CallName, CallOutput, Engine } from '#shared/contract/index.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { fromWireError } from '#shared/errors.ts';
import { Ended } from './failures.ts';
import { type EndSignal, type Io, signalExitCodes } from './io.ts';
import { renderError } from './output/print-error.ts';
import { createProgressLine, type ProgressLine } from './output/progress.ts';
import { createStyle, type Style } from './output/style.ts';

export interface OpenEngine extends Engine {
  readonly close: () => Promise<void>;
}
/** Opens the engine for a command. */
export type EngineOpener = (io: Io) => Promise<OpenEngine>;

/** The context of a command. */
export interface Session {
  readonly io: Io;
  readonly json: boolean;
  readonly style: Style;
  readonly engine: Engine;
  readonly client: Client;
  /** Aborted by Ctrl-C and other end signals. */
  readonly signal: AbortSignal;
  readonly progress: ProgressLine;
  /** Makes a call that Ctrl-C cancels and whose progress is shown. */
  readonly call: <Name extends CallName>(name: Name, input: CallInput<Name>) => Promise<CallOutput<Name>>;
  /** Prints text for people; nothing with `--json`. */
  readonly print: (text: string) => void;
  /** Prints one JSON value on its own line; nothing without `--json`. */
  readonly printJson: (value: unknown) => void;
  /** Prints a note on stderr. */
  readonly note: (text: string) => void;
}

/** The longest wait for a command that was asked to end; after it the command is abandoned. */
const cancelGraceMs = 5000;
/**
 * The longest wait for the engine to close; libvirt ends our domains by itself when our connection closes. A domain in
 * creation for a kept instance is waited for, since libvirt would leave it.
 */
const closeGraceMs = 3500;

/**
 * Runs a command's work with its own engine, which is closed afterwards, also when the work fails.
 *
 * Errors: those of the work; `Ended` after a signal; a second signal ends the process at once.
 */
export async function withSession<Result>(
  io: Io,
  json: boolean,
  openEngine: EngineOpener,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const progress = createProgressLine(io);
  let ended: EndSignal | null = null;
  let giveUp: (error: Ended) => void = () => undefined;
  const gaveUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  gaveUp.catch(() => undefined);
  const stopListening = io.onEnd((signal) => {
    if (ended !== null) return signal === 'SIGPIPE' ? undefined : io.exitNow(signalExitCodes[signal]);
    ended = signal;
    abort.abort();
    setTimeout(() => giveUp(new Ended(signal)), cancelGraceMs).unref();
  });

  const ports = createMemoryPorts();
  let engine: OpenEngine | null = null;
  try {
    engine = await openEngine(io);
    serveSession(engine, ports.engine);
    const client = createClient(ports.client);
    const session: Session = {
      io,
      json,
      engine,
      client,
      progress,
      style: createStyle(io),
      signal: abort.signal,
      call: (name, input) => client.call(name, input, { signal: abort.signal, onProgress: progress.report }),
      print: (text) => {
        if (json) return;
        progress.pause();
        io.stdout.write(text);
      },
      printJson: (value) => {
        if (json) io.stdout.write(`${JSON.stringify(value)}\n`);
      },
      note: (text) => {
        progress.pause();
        io.stderr.write(text);
      },
    };
    let lastWarning = '';
    client.subscribe('app:warned', ({ error }) => {
      const words = renderError(fromWireError(error), createStyle(io, io.stderr));
      // Two parts of one command may come upon the same thing.
      if (words !== lastWarning) session.note(words);
      lastWarning = words;
    });
    const result = await Promise.race([work(session), gaveUp]);
    if (ended !== null) throw new Ended(ended, true);
    return result;
  } catch (thrown) {
    // The signal is why the command ends, also when the cancelled call failed with another error.
    if (ended !== null && !(thrown instanceof Ended)) throw new Ended(ended);
    throw thrown;
  } finally {
    progress.end();
    ports.client.close();
    await closeWithin(engine, closeGraceMs);
    stopListening();
  }
}

async function closeWithin(engine: OpenEngine | null, graceMs: number): Promise<void> {
  if (engine === null) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([engine.close(), late]).finally(() => clearTimeout(timer));
}

/** Resolves when the command is asked to end. */
export function untilEnded(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

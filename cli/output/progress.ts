import type { Progress } from '#shared/contract/define.ts';
import type { Io } from '../io.ts';
import { createStyle } from './style.ts';

/** Prints the progress of long work on stderr. */
export interface ProgressLine {
  readonly report: (progress: Progress) => void;
  /** Clears the line for other output; the next report brings it back. */
  readonly pause: () => void;
  /** Removes the line permanently. */
  readonly end: () => void;
}

/** Work that ends sooner prints no progress. */
const quietMs = 400;
/** On a pipe or in a log every line stays: only a step that lasts this long gets one. */
const quietWithoutTerminalMs = 1000;
const frameMs = 100;

/** A line that spins on a terminal; elsewhere one plain line per long step of work. */
export function createProgressLine(io: Io): ProgressLine {
  return io.stderr.isTTY === true ? createSpinner(io) : createPlainLines(io);
}

function createSpinner(io: Io): ProgressLine {
  const style = createStyle(io, io.stderr);
  const frames = style.unicode ? '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏' : '|/-\\';
  const startedAt = performance.now();
  let latest: Progress | null = null;
  let shown = false;
  let tick = 0;
  const draw = () => {
    if (latest === null || performance.now() - startedAt < quietMs) return;
    const frame = frames[tick++ % frames.length];
    const text = describe(latest).slice(0, Math.max(10, style.width - 3));
    io.stderr.write(`\r\x1b[K${frame} ${text}`);
    shown = true;
  };
  const timer = setInterval(draw, frameMs);
  timer.unref();
  const pause = () => {
    latest = null;
    if (shown) io.stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    report: (progress) => {
      latest = progress;
    },
    pause,
    end: () => {
      clearInterval(timer);
      pause();
    },
  };
}

function createPlainLines(io: Io): ProgressLine {
  let latest: Progress | null = null;
  let printedStep: string | null = null;
  let due = false;
  const print = () => {
    if (!due || latest === null || latest.step === printedStep) return;
    printedStep = latest.step;
    io.stderr.write(`${describe(latest)}\n`);
  };
  const timer = setTimeout(() => {
    due = true;
    print();
  }, quietWithoutTerminalMs);
  timer.unref();
  return {
    report: (progress) => {
      latest = progress;
      print();
    },
    pause: () => {
      latest = null;
    },
    end: () => {
      clearTimeout(timer);
      latest = null;
    },
  };
}

function describe({ message, fraction }: Progress): string {
  return fraction === undefined ? message : `${message} ${Math.floor(fraction * 100)}%`;
}

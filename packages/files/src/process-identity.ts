import { readFileSync } from 'node:fs';
import { systemCode } from './files-error.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/** The process with this number; null when it has ended. */
export function processOf(pid: number): ProcessIdentity | null {
  const startTicks = startTicksOf(pid);
  return startTicks === undefined ? null : { pid, startTicks, bootId: readBootId() };
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, startTicks: startTicksOf(process.pid) ?? '', bootId: readBootId() };
}

/** True while that same process runs. */
export function isAlive(owner: ProcessIdentity): boolean {
  return owner.bootId === readBootId() && startTicksOf(owner.pid) === owner.startTicks;
}

/** The kernel's id for this boot of the host. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The start time of a process, in the kernel's ticks; undefined when it has ended or is a zombie. */
function startTicksOf(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw thrown;
  }
  // The name in parentheses may contain spaces; the fields after it do not. They begin with the third, the state.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

import { readFileSync } from 'node:fs';

/** A process, told apart from any other that ever had or will have its number. */
export interface Owner {
  readonly pid: number;
  /** Clock ticks between the host's boot and the process's start. */
  readonly startTicks: number;
  readonly bootId: string;
}

let hostBootId: string | null = null;

/** The random id that Linux draws at each boot of the host. */
export function readHostBootId(): string {
  hostBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return hostBootId;
}

/** This process. */
export function thisOwner(): Owner {
  const startTicks = readStartTicks(process.pid);
  if (startTicks === null) throw new Error('/proc/self/stat cannot be read');
  return { pid: process.pid, startTicks, bootId: readHostBootId() };
}

/** True while that very process lives. */
export function isAlive(owner: Owner): boolean {
  return owner.bootId === readHostBootId() && readStartTicks(owner.pid) === owner.startTicks;
}

export function isSameOwner(a: Owner, b: Owner): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}

/** When a process started, or null when there is none, or only its zombie. */
function readStartTicks(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // No such process.
    return null;
  }
  // The second field is the command's name in parentheses and may hold anything, also spaces and parentheses.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return null;
  return Number(fields[18]);
}

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that belongs to a home. */
export interface HomeProcess {
  readonly pid: number;
  readonly command: string;
}

/**
 * The processes that name a home in their command line, as QEMU does, or in their environment, like all processes that
 * a Firstlight of that home started.
 *
 * Source: proc(5).
 */
export function processesOf(home: string): HomeProcess[] {
  return processIds()
    .filter((pid) => pid !== process.pid)
    .map((pid) => ({ pid, command: textOf(`/proc/${pid}/cmdline`), env: textOf(`/proc/${pid}/environ`) }))
    .filter(({ command, env }) => `${command}\n${env}`.includes(home))
    .map(({ pid, command }) => ({ pid, command: command.replaceAll('\0', ' ').slice(0, 160) }));
}

/** The QEMU processes of a home. */
export const machinesOf = (home: string): HomeProcess[] =>
  processesOf(home).filter(({ command }) => /^\S*qemu-system/.test(command));

/** Open files of a process that are deleted from the disk. Shape: paths in the kernel's form. */
export function deletedFilesOf(pid: number, home: string): string[] {
  return linksIn(`/proc/${pid}/fd`).filter((path) => path.startsWith(home) && path.endsWith(' (deleted)'));
}

/** The number of open descriptors of a process. */
export const descriptorsOf = (pid: number): number => linksIn(`/proc/${pid}/fd`).length;

/** Private memory of a process. Units: KiB. Source: proc(5), RssAnon. */
export function anonymousKiB(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Waits until a condition is true. Shape: false when it is not true within `ms`. */
export async function becomes(look: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; ; ) {
    if (await look()) return true;
    if (performance.now() > end) return false;
    await sleep(50);
  }
}

const processIds = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Empty for a process that has ended since. */
function textOf(path: string): string {
  return whileThere(() => readFileSync(path, 'utf8'), '');
}

function linksIn(dir: string): string[] {
  return whileThere(() => readdirSync(dir), []).flatMap((name) =>
    whileThere(() => [readlinkSync(`${dir}/${name}`)], []),
  );
}

function whileThere<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return otherwise;
    throw thrown;
  }
}

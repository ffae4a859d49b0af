// Finds the leftovers of a test run. A run has its own TMPDIR, and a test creates all its files under it.
// A process belongs to the run when its command line names that directory.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lists the processes whose command line names `dir`. Shape: `[{ pid, commandLine }]`. */
export function findProcesses(dir) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), commandLine: readCommandLine(pid) }))
    .filter(({ commandLine }) => commandLine.includes(dir));
}

function readCommandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    // The process has ended since the directory was listed.
    return '';
  }
}

/**
 * Waits for processes that are still ending, then lists the leftovers, terminates those processes, and removes the
 * directory.
 *
 * Shape: one line of text for each process and each file left in `dir`.
 */
export async function removeLeftovers(dir, { graceMs = 8000 } = {}) {
  const deadline = Date.now() + graceMs;
  // Where PID 1 is slow to reap, libvirt needs two seconds to end a domain.
  while (findProcesses(dir).length > 0 && Date.now() < deadline) await sleep(200);
  const processes = findProcesses(dir);
  for (const { pid } of processes) terminate(pid);
  const files = readdirSync(dir);
  rmSync(dir, { recursive: true, force: true });
  return [
    ...processes.map(({ pid, commandLine }) => `process ${pid} still ran: ${commandLine.slice(0, 200)}`),
    ...files.map((name) => `left in the temporary directory: ${name}`),
  ];
}

function terminate(pid) {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

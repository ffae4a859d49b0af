// Temporary folders of benches and clusters that outlive no process: a run removes what killed ones have left.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { removeLeftovers } from './leftovers.mjs';

/**
 * A new folder, `PREFIXpid-start-random`. First, those of this prefix whose process has ended are removed, with the
 * processes that still name them.
 */
export async function makeOwnedDir(prefix) {
  await removeOrphans(prefix);
  return mkdtempSync(`${prefix}${process.pid}-${startTicks(process.pid)}-`);
}

async function removeOrphans(prefix) {
  const parent = dirname(`${prefix}x`);
  const start = basename(`${prefix}x`).slice(0, -1);
  for (const name of readdirSync(parent)) {
    const [, pid, ticks] = (name.startsWith(start) && /^(\d+)-(\d+)-\w{6}$/.exec(name.slice(start.length))) || [];
    if (pid === undefined || startTicks(pid) === ticks) continue;
    await removeLeftovers(join(parent, name), { graceMs: 0 });
  }
}

/** When a process started, in ticks since the boot: its number may be another's by now. Undefined for none. */
function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may have spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

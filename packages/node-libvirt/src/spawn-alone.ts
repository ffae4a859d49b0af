import { type ChildProcess, type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';

// O_CLOEXEC in the flags of /proc/<pid>/fdinfo, which are octal. It is the same on every processor that Linux runs on
// but SPARC and Alpha.
const closeOnExec = 0o2000000;
const nullDevice = '/dev/null';

/**
 * A child process that inherits no descriptor of this one but those in `stdio`.
 *
 * Node.js opens its own descriptors so that no child gets them. Chromium does not: a daemon that Electron starts would
 * keep the sockets by which Chromium's helper processes see that the program has ended, and so the helpers themselves.
 */
export function spawnAlone(
  program: string,
  args: readonly string[],
  { stdio, ...options }: Omit<SpawnOptions, 'stdio'> & { readonly stdio: readonly (number | 'ignore' | 'pipe')[] },
): ChildProcess {
  // The only way to close a descriptor in a child of Node.js is to put another file in its place.
  const nothing = openSync(nullDevice, 'r+');
  try {
    const all: StdioOptions = [...stdio];
    for (const number of inheritable()) {
      if (number < stdio.length) continue;
      while (all.length < number) all.push('ignore');
      all[number] = nothing;
    }
    return spawn(program, args, { ...options, stdio: all });
  } finally {
    closeSync(nothing);
  }
}

/** The descriptors that a child process would inherit, in ascending order. */
function inheritable(): number[] {
  return listDescriptors()
    .filter((number) => {
      try {
        const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${number}`, 'latin1'))?.[1];
        return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
      } catch {
        // Another thread has closed it.
        return false;
      }
    })
    .sort((a, b) => a - b);
}

function listDescriptors(): number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number);
  } catch {
    // There is no /proc: not Linux, where only Node.js's own descriptors are known to be closed.
    return [];
  }
}

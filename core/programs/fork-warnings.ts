import type { ForkReport } from '@firstlight/elf';
import type { Problem } from '#shared/errors.ts';

const wayOut =
  ' The guest runs one process, and a call to start another fails there. Look for a setting that keeps the work in the ' +
  'program itself (threads in place of worker processes), or for a library in place of the tool that it runs.';

/**
 * The messages for a person: a warning for each object that can start processes, the first of which names the remedy.
 */
export function forkWarnings({ uses, isUnknown }: ForkReport): Problem[] {
  const messages = uses.map(({ object, calls, how, level }, index) => {
    const has = how === 'imports' ? `imports ${listed(calls)}` : `has ${listed(calls)} linked in`;
    const sure =
      level === 'likely' ? 'is likely to start other processes' : 'can start other processes, and may never do so';
    return `${object} ${sure}: it ${has}.${index === 0 ? wayOut : ''}`;
  });
  if (isUnknown) {
    messages.push(
      'The program is static and has been stripped of its names, so it cannot be seen whether it starts other ' +
        'processes. The guest runs one.',
    );
  }
  return messages.map((message) => ({ severity: 'warning', message }));
}

function listed(names: readonly string[]): string {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length === 1 ? `${shown[0]}` : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

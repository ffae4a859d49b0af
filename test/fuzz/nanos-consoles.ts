import type { FuzzTarget } from '@firstlight/files/testing';
import { readCrash } from '#core/runtimes/nanos/crash/read-crash.ts';
import { consoleNames, consoleOf } from '#core/runtimes/nanos/crash/testing/consoles.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isRefusal } from './is-refusal.ts';

/** What a Nanos guest prints when it crashes, which a program in it can print too. */
export const nanosConsoles: FuzzTarget = {
  name: 'consoles of Nanos',
  share: 0.5,
  isRefusal,
  corpus: () => consoleNames.map((name) => Buffer.from(consoleOf(name))),
  parse: (input) => {
    // Nothing is refused here: a report that is none is not an error.
    if (readCrash(Buffer.from(input).toString('latin1')) === null) throw new FirstlightError('BAD_INPUT', 'No crash.');
  },
};

import type { FuzzTarget } from '@firstlight/files/testing';
import { readCrash } from '#core/runtimes/nanos/crash/read-crash.ts';
import { consoleNames, consoleOf } from '#core/runtimes/nanos/crash/testing/consoles.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isRefusal } from './is-refusal.ts';

/** The output of a Nanos guest at a crash, which a program in it can print too. */
export const nanosConsoles: FuzzTarget = {
  name: 'consoles of Nanos',
  share: 0.5,
  isRefusal,
  corpus: () => consoleNames.map((name) => Buffer.from(consoleOf(name))),
  parse: (input) => {
    // This never refuses an input: text without a report is not an error.
    if (readCrash(Buffer.from(input).toString('latin1')) === null) throw new FirstlightError('BAD_INPUT', 'No crash.');
  },
};

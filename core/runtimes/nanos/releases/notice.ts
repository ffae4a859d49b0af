import { join } from 'node:path';
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import type { Layout } from '../../../store/layout.ts';
import { readOrSetAside } from '../../../store/settings.ts';
import { writeAtomic } from '../../../store/write-atomic.ts';

/** The notice that a person reads before a binary release is downloaded. Source: the section "License" of nanovms/nanos' README. */
const noticeText = [
  'Nanos is open source (Apache-2.0): anyone may build it and use the build.',
  'The binary releases that its makers, NanoVMs, publish come with a condition of theirs: an organisation with more than 50',
  'employees needs a commercial subscription from NanoVMs to use them. A build of your own needs none: install it with',
  '`firstlight nanos install --from DIR`.',
].join('\n');

/** The acceptance of the notice on this machine. */
export interface Notice {
  readonly text: string;
  readonly isAccepted: () => Promise<boolean>;
  /** Errors: NOTICE_NOT_ACCEPTED unless it was accepted before, or is now. */
  readonly require: (accept: boolean) => Promise<void>;
}

const noticeSchema = z.object({ acceptedAt: z.string() });

/** The acceptance is recorded in the data folder. */
export function createNotice(layout: Layout, log: (line: string) => void): Notice {
  const path = join(layout.dataDir, 'nanos-notice.json');
  const isAccepted = async () => (await readOrSetAside(path, noticeSchema, log)) !== undefined;
  return {
    text: noticeText,
    isAccepted,
    require: async (accept) => {
      if (await isAccepted()) return;
      if (!accept) {
        throw new FirstlightError(
          'NOTICE_NOT_ACCEPTED',
          'The notice about binary releases of Nanos was not accepted yet.',
          {
            hint: 'Read it, and say that you did with --accept.',
            details: { output: noticeText },
          },
        );
      }
      await layout.ensure(layout.dataDir);
      await writeAtomic(path, JSON.stringify({ acceptedAt: new Date().toISOString() }));
    },
  };
}

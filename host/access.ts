import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { z } from 'zod';
import { withProcessLock } from '#core/store/process-lock.ts';
import { readOrSetAside } from '#core/store/settings.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';

/** The access data of this person's studio, the same at each start, so that an open page reconnects. */
export interface Access {
  readonly token: string;
  /** The port of the last start; null before the first. */
  readonly port: number | null;
  /** Keeps the port for the next start. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly keepPort: (port: number) => Promise<void>;
}

const tokenBytes = 32;
const accessSchema = z.strictObject({
  token: z.string().regex(new RegExp(`^[0-9a-f]{${tokenBytes * 2}}$`)),
  port: z.number().int().min(1).max(65_535).nullable(),
});

/** Only this person may read the file: the token gives full access to the studio. */
const accessMode = 0o600;

/** The token and port stored at `path`, created at the first start. Errors: DISK_FULL, STORE_UNUSABLE. */
export async function openAccess(path: string, log: (line: string) => void): Promise<Access> {
  const write = (access: z.output<typeof accessSchema>) =>
    writeAtomic(path, `${JSON.stringify(access)}\n`, { mode: accessMode });
  const kept = await withProcessLock(path, async () => {
    const found = await readOrSetAside(path, accessSchema, log);
    if (found !== undefined) {
      await chmod(path, accessMode);
      return found;
    }
    const made = { token: randomBytes(tokenBytes).toString('hex'), port: null };
    await write(made);
    return made;
  });
  return {
    ...kept,
    keepPort: async (port) => {
      if (port !== kept.port) await withProcessLock(path, () => write({ token: kept.token, port }));
    },
  };
}

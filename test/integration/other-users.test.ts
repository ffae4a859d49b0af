import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { findQemuUser } from '#core/store/qemu-user.ts';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from './studio.ts';

const qemuUser = findQemuUser(process.getuid?.() ?? -1);
const reason = whyNot() ?? (qemuUser === null ? 'QEMU runs as this user' : null);
/** Reads a file as a user who has no groups. */
const readAs = (uid: number, path: string) =>
  spawnSync('setpriv', [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'grep', '-c', 'a-secret', path], {
    encoding: 'utf8',
  });

describe.skipIf(reason !== null)(
  `Another user of a machine where root works${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    let studio: Studio;
    let home = '';
    beforeAll(async () => {
      home = makeHome();
      studio = await openStudio({ home, bootTimeoutMs: 100_000 });
    });
    afterAll(async () => {
      await studio.close();
      removeHome(home);
    });

    it('reads no image, and QEMU cannot write to one', { timeout: 120_000 }, async () => {
      const source = 'export default () => process.env.WORD ?? null;';
      const project = await studio.project('words', source, { env: { WORD: 'a-secret' }, timeoutMs: 60_000 });
      const { image, error, response } = await studio.client.call('instances:run', {
        projectId: project.id,
        lifetime: 'session',
      });
      expect(error).toBeNull();
      expect(response?.body).toEqual({ kind: 'json', value: 'a-secret' });
      const path = join(createLayout({ home, env: {}, uid: 0 }).imagesDir, image?.id ?? '', 'image');
      const other = readAs(65534, path);
      expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('Permission denied')]);
      expect(readAs(0, path).stdout.trim()).not.toBe('0');
      // The instance still runs from it.
      expect(statSync(path)).toMatchObject({ uid: 0 });
      expect(statSync(path).mode & 0o022).toBe(0);
    });
  },
);

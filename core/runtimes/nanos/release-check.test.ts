import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { releaseCheck } from './release-check.ts';
import { createReleases } from './releases/releases.ts';
import { releaseParts, writeParts } from './releases/testing/make-build.ts';

it('says which release of Nanos is in use, and takes none for no fault', async () => {
  const home = await mkdtemp(join(tmpdir(), 'fl-doctor-'));
  try {
    const layout = createLayout({ home: join(home, 'state'), env: {}, uid: process.getuid?.() ?? 0 });
    const releases = createReleases({ layout });
    const none = await releaseCheck(releases).look();
    expect(none).toMatchObject({ status: 'ok', found: expect.stringContaining('firstlight nanos install') });
    const context = { signal: new AbortController().signal, progress: () => undefined };
    await releases.install({ from: await writeParts(join(home, '0.1.54'), releaseParts()), accept: false }, context);
    const one = { status: 'ok', found: 'release 0.1.54 is in use', versions: { nanos: '0.1.54' } };
    expect(await releaseCheck(releases).look()).toEqual(one);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

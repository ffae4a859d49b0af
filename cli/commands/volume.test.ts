import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCore } from '#core/engine/create-core.ts';
import { locateResources } from '#core/store/resources.ts';
import { main } from '../program.ts';
import { createFakeIo } from '../testing/fake-io.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-cli-volume-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function volume(argv: string) {
  const io = createFakeIo();
  // Nothing here starts a machine, so no libvirt is needed.
  const uri = 'qemu+unix:///system?socket=/nonexistent';
  const open = () => createCore({ resources: locateResources(), home, env: {}, uri });
  const exitCode = await main(['volume', ...argv.split(' ')], io, open);
  return { exitCode, out: io.out(), err: io.err() };
}

test('volumes are made, listed and removed', async () => {
  expect((await volume('ls')).out).toContain('firstlight volume new');
  expect((await volume('new data --size 256')).out).toMatch(/^Volume data, 256 MiB: .*\/data\/volume\.img\n$/);
  expect(JSON.parse((await volume('new logs --json')).out)).toMatchObject({ name: 'logs', bytes: 64 * 1024 ** 2 });
  const again = await volume('new data');
  expect(again).toMatchObject({ exitCode: 2, err: expect.stringContaining('error[ALREADY_EXISTS]') });
  const lines = (await volume('ls')).out.split('\n');
  expect(lines[1]).toMatch(/^data +256 MiB +[\d.]+ KiB +\d{4}-.*volume\.img$/);
  expect(JSON.parse((await volume('rm data --json')).out)).toEqual({ removed: 'data' });
  expect(await volume('rm data')).toMatchObject({ exitCode: 2, err: expect.stringContaining('There are: logs.') });
  expect(JSON.parse((await volume('ls --json')).out)).toHaveLength(1);
});

test('a name or a size that cannot be is refused', async () => {
  expect(await volume('new ../x')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('not the name of a volume'),
  });
  expect(await volume('new x --size 1')).toMatchObject({ exitCode: 2, err: expect.stringContaining('from 2 to') });
});

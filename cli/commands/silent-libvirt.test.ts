import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeLibvirt } from 'node-libvirt/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCore } from '#core/engine/create-core.ts';
import { locateResources } from '#core/store/resources.ts';
import { main } from '../program.ts';
import { createFakeIo } from '../testing/fake-io.ts';

let home: string;
let fake: FakeLibvirt;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-cli-silent-'));
  fake = await FakeLibvirt.start();
  fake.inject({ call: 'connectListAllDomains', fault: { kind: 'silence' }, times: Number.POSITIVE_INFINITY });
});
afterAll(async () => {
  await fake.stop();
  await rm(home, { recursive: true, force: true });
});

test.each(['ps', 'stop --all', 'rm x', 'stats'])(
  '%s does not take a libvirt that fell silent for one without instances',
  async (command) => {
    const io = createFakeIo();
    const open = () => createCore({ resources: locateResources(), home, env: {}, uri: fake.uri });
    expect(await main(command.split(' '), io, open)).toBe(3);
    expect(io.err()).toContain('error[LIBVIRT_UNREACHABLE]');
    expect(io.err()).toContain('cannot be asked');
  },
);

test('host ls shows it as lost, with the reason', async () => {
  const io = createFakeIo();
  const open = () => createCore({ resources: locateResources(), home, env: {}, uri: fake.uri });
  await main(['host', 'ls', '--json'], io, open);
  expect(JSON.parse(io.out())).toMatchObject([
    { name: 'local', state: 'lost', failure: expect.stringContaining('does not answer within 3 s') },
  ]);
});

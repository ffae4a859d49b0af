import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
import { createSettings, type Settings } from '#core/store/settings.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { HostEntry } from '#shared/model/host.ts';
import { createHosts, describeHost, type Hosts } from './hosts.ts';
import { fakeHost } from './testing/fake-vmm.ts';

let home: string;
let layout: Layout;
let settings: Settings;
let events: string[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-hosts-'));
  layout = createLayout({ home, env: {}, uid: 1000 });
  settings = createSettings(layout);
  events = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const unreachable = new FirstlightError('LIBVIRT_UNREACHABLE', 'nobody listens there');

const start = (builtIn: HostEntry[] = []): Hosts =>
  createHosts({
    localUri: 'qemu:///system',
    builtIn,
    settings,
    open: ({ name, uri }) =>
      fakeHost(
        layout,
        {
          uri,
          connect: () => (uri.includes('absent') ? Promise.reject(unreachable) : Promise.resolve()),
          close: async () => void events.push(`${name} closed`),
        },
        name,
      ),
    onAdded: ({ name }) => events.push(`${name} added`),
    onRemoved: ({ name }) => events.push(`${name} removed`),
    warn: ({ message, hint }) => events.push(message, hint ?? ''),
  });
const names = (hosts: Hosts) => hosts.list().map(({ name }) => name);
const lab = { name: 'lab', uri: 'qemu+unix:///system?socket=/lab' };

it('keeps the hosts that were added, and lists this machine first', async () => {
  await start().add(lab);
  const hosts = start();
  await hosts.add({ name: 'attic', uri: 'qemu+unix:///system?socket=/attic' });
  expect(names(hosts)).toEqual(['local', 'attic', 'lab']);
  expect((await hosts.find()).name).toBe('local');
  expect(describeHost(await hosts.find('lab'))).toEqual({ ...lab, state: 'connected', failure: null });
  await expect(hosts.find('cellar')).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'There are: local, attic, lab' });
});

it('follows what another program adds and removes', async () => {
  const [here, there] = [start(), start()];
  await there.add(lab);
  await here.load();
  expect(names(here)).toEqual(['local', 'lab']);
  await there.remove('lab');
  events = [];
  await here.load();
  expect(names(here)).toEqual(['local']);
  expect(events).toEqual(['lab removed', 'lab closed']);
});

it('loses no host that another program adds at the same time, and keeps one of two of a name', async () => {
  // Each with settings of its own, as processes have them.
  const programs = Array.from({ length: 8 }, (_, index) => {
    settings = createSettings(layout);
    return { hosts: start(), name: `h${index}` };
  });
  await Promise.all(programs.map(({ hosts, name }) => hosts.add({ name, uri: `qemu+unix:///system?socket=/${name}` })));
  const reader = start();
  await reader.load();
  expect(names(reader)).toEqual(['local', ...programs.map(({ name }) => name)]);
  const same = await Promise.allSettled(
    programs.map(({ hosts }, index) => hosts.add({ name: 'same', uri: `qemu+unix:///system?socket=/same${index}` })),
  );
  expect(same.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await Promise.all(programs.map(({ hosts, name }) => hosts.remove(name)));
  await reader.load();
  expect(names(reader)).toEqual(['local', 'same']);
});

it('opens a host once, however many read the settings at the same time', async () => {
  await start().add(lab);
  const hosts = start();
  events = [];
  await Promise.all([hosts.load(), hosts.load(), hosts.find('lab')]);
  expect(events).toEqual(['lab added']);
});

it('adds no host that cannot be reached, nor one that is there by name or address', async () => {
  const hosts = start();
  await expect(hosts.add({ name: 'lab', uri: 'absent' })).rejects.toBe(unreachable);
  expect([names(hosts), events]).toEqual([['local'], ['lab closed']]);
  await hosts.add(lab);
  await expect(hosts.add({ ...lab, uri: 'elsewhere' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(hosts.add({ name: 'twin', uri: 'qemu:///system' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(hosts.remove('local')).rejects.toMatchObject({ code: 'BAD_INPUT' });
});

it('uses this machine alone when the setting is not understood', async () => {
  await settings.set({ hosts: 'lab' });
  const hosts = start();
  await hosts.load();
  expect(names(hosts)).toEqual(['local']);
  expect(events).toEqual([
    expect.stringMatching(/^The setting "hosts" is not a list of hosts .*\. Only this machine is used\.$/),
    expect.stringContaining(layout.settingsPath),
  ]);
  expect((await hosts.find('local')).name).toBe('local');
  for (const asked of [hosts.find('lab'), hosts.remove('lab'), hosts.add({ name: 'attic', uri: 'absent' })])
    await expect(asked).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  await settings.set({ hosts: [lab] });
  expect((await hosts.find('lab')).name).toBe('lab');
});

it('changes no list that is not valid, and loses none of its entries', async () => {
  const values = { hosts: [lab, { name: 'Attic 2', uri: 'qemu+unix:///system?socket=/attic' }] };
  await settings.set(values);
  const hosts = start();
  await expect(hosts.add({ name: 'cellar', uri: 'qemu+unix:///system?socket=/cellar' })).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('hosts.1.name'),
    hint: expect.stringContaining(layout.settingsPath),
  });
  expect([await settings.get(), names(hosts)]).toEqual([values, ['local']]);
});

it('keeps the entry of a host that this machine has by itself', async () => {
  const hidden = { name: 'firecracker', uri: 'qemu+unix:///system?socket=/elsewhere' };
  await settings.set({ hosts: [hidden] });
  await start([{ name: 'firecracker', uri: 'firecracker:///local' }]).add(lab);
  expect(await settings.get()).toEqual({ hosts: [hidden, lab] });
});

it('has what else starts machines here as a host that cannot be removed, and says what a missing Firecracker takes', async () => {
  await expect(start().find('firecracker')).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    hint: expect.stringContaining('FIRSTLIGHT_FIRECRACKER'),
  });
  const hosts = start([{ name: 'firecracker', uri: 'firecracker' }]);
  expect(names(hosts)).toEqual(['local', 'firecracker']);
  expect((await hosts.find('firecracker')).name).toBe('firecracker');
  await expect(hosts.remove('firecracker')).rejects.toMatchObject({ code: 'BAD_INPUT' });
});

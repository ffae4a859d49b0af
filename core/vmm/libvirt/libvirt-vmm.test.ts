import type { Connection, Domain, LifecycleEvent } from 'node-libvirt';
import { describe, expect, it } from 'vitest';
import { plainMachine } from '../machine.ts';
import type { VmmListener } from '../vmm.ts';
import type { LibvirtLink, LinkListener } from './libvirt-link.ts';
import { createLibvirtVmm, machineEndOf } from './libvirt-vmm.ts';

function open(connection: object) {
  const events: unknown[] = [];
  const note = (name: string) => (what?: unknown, reason?: unknown) => void events.push([name, what, reason]);
  const listener: VmmListener = {
    onState: note('state'),
    onLost: note('lost'),
    onReopened: note('reopened'),
    onStarted: ({ name }) => events.push(['started', name]),
    onPaused: note('paused'),
    onResumed: note('resumed'),
    onEnded: note('ended'),
  };
  let link: LinkListener | undefined;
  const vmm = createLibvirtVmm({
    uri: 'test:///default',
    uid: 1000,
    listener,
    openLink: (uri, given): LibvirtLink => {
      link = given;
      const opened = async () => connection as Connection;
      const ask: LibvirtLink['ask'] = async (_, question) => question(await opened(), { timeoutMs: 1_000 });
      return { uri, state: 'connected', failure: null, connection: opened, ask, close: async () => undefined };
    },
  });
  const emit = (domain: Domain, event: string, detail: string) =>
    link?.onLifecycle({ domain, event, detail } as LifecycleEvent);
  return { vmm, events, emit };
}

const ours = { name: 'firstlight-hello-1', uuid: 'u1' } as Domain;
const foreign = { name: 'someones', uuid: 'u2' } as Domain;

describe('the machines of a libvirt', () => {
  it('are listed and reported without those of others', async () => {
    const { vmm, events, emit } = open({ listDomains: async () => [foreign, ours] });
    expect((await vmm.list()).map(({ name }) => name)).toEqual([ours.name]);
    for (const domain of [foreign, ours]) {
      emit(domain, 'started', 'booted');
      emit(domain, 'suspended', 'paused');
      emit(domain, 'resumed', 'unpaused');
      emit(domain, 'stopped', 'shutdown');
    }
    expect(events).toEqual([
      ['started', ours.name],
      ['paused', 'u1', undefined],
      ['resumed', 'u1', undefined],
      ['ended', 'u1', 'shutdown'],
    ]);
  });

  it('are created paused, with their metadata, and end with the connection unless they are kept', async () => {
    const created: unknown[] = [];
    const createDomainXml = async (xml: string, options: object) => {
      created.push([/firstlight:instance.* id="hello-1"/.test(xml), options]);
      return ours;
    };
    const { vmm } = open({ createDomainXml });
    const machine = plainMachine({ accel: 'tcg', memoryMiB: 64, vcpus: 1 }, { kernel: { path: '/k', cmdline: '' } });
    const sockets = { serial: '/s', channel: '/c', console: '/o' };
    const placed = { machine, name: ours.name, uuid: 'u1', title: 'hello', firmwarePath: null, sockets };
    for (const keep of [false, true]) await vmm.create(placed, { keep, metadata: { id: 'hello-1' }, doing: 'create' });
    expect(created).toEqual([
      [true, { paused: true, autodestroy: true }],
      [true, { paused: true, autodestroy: false }],
    ]);
    const unbootable = { ...placed, machine: { ...machine, firmware: 'none' } as const };
    const refused = vmm.create(unbootable, { keep: false, metadata: null, doing: 'create' });
    await expect(refused).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED' });
    expect(created).toHaveLength(2);
  });

  it('have counters, each its own', async () => {
    const params = { 'cpu.time': 7e6, 'balloon.rss': 2, 'block.count': 1, 'block.0.rd.bytes': 5 };
    const getAllDomainStats = async ({ domains }: { domains: readonly Domain[] }) =>
      domains.map((domain) => ({ domain, params, receivedAtNs: 9n }));
    const { vmm } = open({ listDomains: async () => [ours], getAllDomainStats });
    const [machine] = await vmm.list();
    const [stats] = await vmm.readStats(machine === undefined ? [] : [machine]);
    expect(stats).toMatchObject({ atNs: 9, cpuNs: 7e6, memoryBytes: 2048, diskReadBytes: 5, netReceiveBytes: 0 });
    expect(stats?.machine).toBe(machine);
  });
});

it('reads the reason from the events that end a domain, and from no others', () => {
  expect(machineEndOf({ event: 'stopped', detail: 'destroyed' })).toBe('destroyed');
  expect(machineEndOf({ event: 'stopped', detail: 'shutdown' })).toBe('shutdown');
  expect(machineEndOf({ event: 'stopped', detail: 'failed' })).toBe('vmm-ended');
  expect(machineEndOf({ event: 'crashed', detail: 'panicked' })).toBe('vmm-ended');
  expect(machineEndOf({ event: 'resumed', detail: 'unpaused' })).toBeNull();
});

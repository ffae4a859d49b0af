import { expect, it } from 'vitest';
import { projectConfigSchema } from '#shared/model/project.ts';
import { describeLacks } from './describe-lacks.ts';

const configOf = (keys: object) => projectConfigSchema.parse({ name: 'p', runtime: 'ember', memoryMiB: 64, ...keys });
const outbound = { runtimeOptions: { network: { kind: 'user', outbound: true } } };

it('says that fetch has no network in a pod; on a libvirt host it has one', () => {
  expect(describeLacks(configOf(outbound), 'pod')).toEqual([
    expect.stringMatching(/outbound" has no effect in a pod: .*ENETDOWN\. Send .*event, or .*nanos\.$/),
  ]);
  expect(describeLacks(configOf(outbound), 'host')).toEqual([]);
});

it('says that fetch finds no names on KubeVirt, unless the function names a name server', () => {
  expect(describeLacks(configOf(outbound), 'alone')).toEqual([expect.stringContaining('"ember.network.nameserver"')]);
  const byDhcp = { network: { kind: 'user', outbound: true, address: 'dhcp' } };
  expect(describeLacks(configOf({ runtimeOptions: byDhcp }), 'alone')).toEqual([]);
  const own = { network: { kind: 'user', outbound: true, nameserver: '10.96.0.10' } };
  expect(describeLacks(configOf({ runtimeOptions: own }), 'alone')).toEqual([]);
});

it('says nothing of ports, which are served everywhere', () => {
  const config = configOf({ ports: [{ guest: 8080 }] });
  for (const place of ['pod', 'host', 'alone'] as const) expect(describeLacks(config, place)).toEqual([]);
});

it('says that assets are not read in a pod, on a libvirt host and on KubeVirt', () => {
  const config = configOf({ runtimeOptions: { assets: 'public' } });
  for (const [place, words] of [
    ['pod', 'in a pod'],
    ['host', 'on a libvirt host'],
    ['alone', 'on KubeVirt'],
  ] as const)
    expect(describeLacks(config, place)).toEqual([
      expect.stringMatching(new RegExp(`^"ember.assets" has no effect ${words}: .*ENODEV`)),
    ]);
});

it('says that a shared folder is not there but on this machine', () => {
  const config = configOf({ runtimeOptions: { share: 'data' } });
  for (const place of ['pod', 'host', 'alone'] as const) {
    expect(describeLacks(config, place)).toEqual([
      expect.stringMatching(/^"ember.share" has no effect .*: it is a folder of this machine, .*ENODEV.*Import/),
    ]);
  }
});

it('says nothing of a function that asks for no network', () => {
  for (const place of ['pod', 'host', 'alone'] as const) expect(describeLacks(configOf({}), place)).toEqual([]);
});

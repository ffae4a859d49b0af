import { expect, it } from 'vitest';
import { projectConfigSchema } from '#shared/model/project.ts';
import { emberBundling } from './bundling.ts';
import {
  exclusiveResourceOf,
  hasNetwork,
  imageNetworkOf,
  machineNetworkOf,
  readEmberUrl,
  writeEmberInfo,
} from './network.ts';

const configOf = (keys: object) => projectConfigSchema.parse({ name: 'p', runtime: 'ember', memoryMiB: 64, ...keys });

const outbound = { runtimeOptions: { network: { kind: 'user', outbound: true } } };

it('is asked for by ports and by outbound, and by nothing else', () => {
  expect(hasNetwork(configOf({}))).toBe(false);
  expect(hasNetwork(configOf(outbound))).toBe(true);
  expect(hasNetwork(configOf({ runtimeOptions: { network: { kind: 'user' } } }))).toBe(false);
  expect(hasNetwork(configOf({ port: 3000, hostPort: 3000 }))).toBe(false);
  expect(hasNetwork(configOf({ ports: [{ guest: 8080 }] }))).toBe(true);
});

it('goes into the image with its ports and the time of a request, but not with ports of the host', () => {
  const config = configOf({ ports: [{ guest: 8080, host: 4000 }, { guest: 80 }], timeoutMs: 700 });
  expect(imageNetworkOf(config)).toMatchObject({ address: '10.0.2.15', ports: [8080, 80], timeoutMs: 700 });
  const withoutHost = configOf({ ports: [{ guest: 8080 }, { guest: 80 }], timeoutMs: 700 });
  expect(emberBundling.optionsInImage(config)).toEqual(emberBundling.optionsInImage(withoutHost));
  expect(emberBundling.optionsInImage(configOf({ ports: [{ guest: 80 }] }))).not.toEqual(
    emberBundling.optionsInImage(configOf({ ports: [{ guest: 81 }] })),
  );
  expect(emberBundling.optionsInImage(configOf({ timeoutMs: 5 }))).toEqual([]);
  expect(emberBundling.optionsInImage(configOf({ runtimeOptions: { assets: 'a' } }))).toEqual([{ assets: 'a' }]);
});

it('opens connections only where the function asks for it, and has a name server then', async () => {
  expect(imageNetworkOf(configOf({ ports: [{ guest: 80 }] })).nameserver).toBeNull();
  expect(imageNetworkOf(configOf(outbound))).toMatchObject({ ports: [], nameserver: '10.0.2.3' });
  const own = { network: { kind: 'user', outbound: true, nameserver: '9.9.9.9' } };
  expect(imageNetworkOf(configOf({ runtimeOptions: own })).nameserver).toBe('9.9.9.9');
  const network = await machineNetworkOf(configOf(outbound));
  expect(network).toMatchObject({ isRestricted: false, forwards: [] });
  expect(writeEmberInfo(network)).toBeNull();
  expect(emberBundling.hasFetch?.(configOf(outbound))).toBe(true);
  expect(emberBundling.hasFetch?.(configOf({ ports: [{ guest: 80 }] }))).toBe(false);
  const both = { ...outbound, ports: [{ guest: 80 }] };
  expect(emberBundling.optionsInImage(configOf(both))).not.toEqual(
    emberBundling.optionsInImage(configOf({ ports: [{ guest: 80 }] })),
  );
});

it('has no address in the image where the guest asks for one, and the name server that the function names or none', () => {
  const configBy = (more: object) =>
    configOf({ ports: [{ guest: 80 }], runtimeOptions: { network: { kind: 'user', ...more } } });
  const dhcp = { address: 'dhcp' };
  const none = { address: '0.0.0.0', netmask: '0.0.0.0', gateway: '0.0.0.0', ports: [80], nameserver: null };
  expect(imageNetworkOf(configBy(dhcp))).toMatchObject(none);
  expect(imageNetworkOf(configBy({ ...dhcp, outbound: true }))).toMatchObject(none);
  const own = { ...dhcp, outbound: true, nameserver: '9.9.9.9' };
  expect(imageNetworkOf(configBy(own))).toMatchObject({ ...none, nameserver: '9.9.9.9' });
  expect(emberBundling.optionsInImage(configBy(dhcp))).not.toEqual(emberBundling.optionsInImage(configBy({})));
});

it('is refused with UDP, and with more ports than the guest has places for', () => {
  expect(() => imageNetworkOf(configOf({ ports: [{ guest: 53, udp: true }] }))).toThrow(/UDP port 53/);
  const ports = [1, 2, 3, 4, 5].map((guest) => ({ guest }));
  expect(() => imageNetworkOf(configOf({ ports }))).toThrow(/5 ports: Ember serves 4/);
});

it('opens its ports on the host, and says where the first one is', async () => {
  const network = await machineNetworkOf(configOf({ ports: [{ guest: 8080 }, { guest: 81 }] }));
  expect(network).toMatchObject({ isRestricted: true, guestIp: '10.0.2.15' });
  expect(network.forwards.map(({ guestPort }) => guestPort)).toEqual([8080, 81]);
  expect(readEmberUrl(writeEmberInfo(network))).toBe(`http://127.0.0.1:${network.forwards[0]?.hostPort}`);
  expect(readEmberUrl(null)).toBeNull();
});

it('lets one instance run at a time where a port of the host is named', () => {
  expect(exclusiveResourceOf(configOf({ ports: [{ guest: 80, host: 4000 }] }))).toBe('ports');
  expect(exclusiveResourceOf(configOf({ ports: [{ guest: 80 }] }))).toBe('none');
});

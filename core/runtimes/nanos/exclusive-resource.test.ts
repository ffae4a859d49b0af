import { expect, it } from 'vitest';
import { projectConfigSchema } from '#shared/model/project.ts';
import { exclusiveResourceOf } from './exclusive-resource.ts';

const resourceOf = (keys: object) =>
  exclusiveResourceOf(projectConfigSchema.parse({ name: 'p', runtime: 'nanos', memoryMiB: 256, ...keys }));

it.each<[string, object, string]>([
  ['nothing when no port is named', {}, 'none'],
  ['nothing for a port that is chosen', { ports: [{ guest: 9000 }] }, 'none'],
  ['ports for one that is named', { hostPort: 4000 }, 'ports'],
  ['ports for a further one that is named', { ports: [{ guest: 9000, host: 9000 }] }, 'ports'],
  ['ports for UDP, which has the guest’s number', { ports: [{ guest: 53, udp: true }] }, 'ports'],
  [
    'ports on a network where the address may be fixed',
    { runtimeOptions: { network: { kind: 'bridge', name: 'br0' } } },
    'ports',
  ],
  ['volumes, whatever else', { hostPort: 4000, volumes: { data: { mount: '/data' } } }, 'volumes'],
])('an instance uses %s alone', (_, keys, expected) => {
  expect(resourceOf(keys)).toBe(expected);
});

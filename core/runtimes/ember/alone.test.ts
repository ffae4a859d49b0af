import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectConfigSchema } from '#shared/model/project.ts';
import { prepareEmberAlone } from './alone.ts';

const network = { address: '10.0.2.2', netmask: '255.255.255.0', gateway: '10.0.2.1' };
let dir: string;
let image: Parameters<typeof prepareEmberAlone>[0]['image'];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-alone-'));
  image = { path: join(dir, 'image.elf') } as typeof image;
  await writeFile(image.path, 'not an image');
});
afterAll(() => rm(dir, { recursive: true }));

const configOf = (keys: object) => projectConfigSchema.parse({ name: 'p', runtime: 'ember', memoryMiB: 64, ...keys });
const ports = [{ guest: 8080 }];

it('leaves the image as it is where the guest asks for its address', async () => {
  const config = configOf({ ports, runtimeOptions: { network: { kind: 'user', address: 'dhcp' } } });
  const { kernel, cmdline, port } = await prepareEmberAlone({ image, config, network });
  expect([Buffer.from(kernel).toString(), cmdline, port]).toEqual(['not an image', 'firstlight.alone', 8080]);
});

it('names an image that cannot be given the address of its machine', async () => {
  await expect(prepareEmberAlone({ image, config: configOf({ ports }), network })).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
  });
});

it('is refused for a function that serves no port', async () => {
  await expect(prepareEmberAlone({ image, config: configOf({}), network })).rejects.toMatchObject({
    code: 'MACHINE_UNSUPPORTED',
    hint: expect.stringContaining('"ports"'),
  });
});

/** A function that reads a folder of the host while it runs, by 9P. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleIn } from './bundle.ts';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';

const source = `
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
const cases: Record<string, (event: any) => unknown> = {
  text: ({ path }) => readFileSync(path, 'utf8'),
  some: ({ path, at }) => { const bytes = readFileSync(path); return [bytes.length, ...at.map((index: number) => bytes[index])]; },
  list: ({ path, options }) => readdirSync(path, options),
  stat: ({ path }) => { const stats = statSync(path); return { size: stats.size, isFile: stats.isFile(), isLink: stats.isSymbolicLink() }; },
  exists: ({ paths }) => paths.map((path: string) => existsSync(path)),
};
export default (event: any) => {
  try { return cases[event.run]!(event); } catch (error: any) { return { code: error.code, message: error.message }; }
};`;

const functions = new Functions();
let home: string;
let folder: string;
let image: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-share-'));
  folder = join(home, 'data');
  await mkdir(join(folder, 'img/deep'), { recursive: true });
  await writeFile(join(folder, 'hello.txt'), 'héllo');
  await writeFile(join(folder, 'img/deep/pixel.bin'), Buffer.from([0, 255, 1, 254]));
  await writeFile(
    join(folder, 'large'),
    Uint8Array.from({ length: 1_500_001 }, (_, at) => at % 251),
  );
  await writeFile(join(home, 'secret.txt'), 'secret');
  await symlink('../secret.txt', join(folder, 'out.txt'));
  await symlink('..', join(folder, 'up'));
  await writeFile(join(home, 'firstlight.json'), JSON.stringify({ name: 'reads', ember: { share: 'data' } }));
  image = (await functions.bake(await bundleIn(home, source), 128)).path;
});
afterEach(() => functions.stopAll());
afterAll(async () => {
  await functions.close();
  await rm(home, { recursive: true, force: true });
});

async function open(machine: 'pc' | 'microvm', accel: 'tcg' | 'kvm', isShared = true) {
  const device = machine === 'pc' ? 'virtio-9p-pci' : 'virtio-9p-device';
  const extra = [
    ...['-fsdev', `local,id=f0,path=${folder},security_model=none,readonly=on`],
    ...['-device', `${device},fsdev=f0,mount_tag=share`],
  ];
  const guest = await functions.start({ image, memoryMiB: 128, machine, accel, ...(isShared && { extra }) });
  await guest.hello();
  const ask = async (event: object) => JSON.parse(await guest.answer(event, { deadlineMs: 30_000 }));
  return { guest, ask };
}

for (const machine of ['pc', 'microvm'] as const) {
  for (const accel of ['tcg', 'kvm'] as const) {
    const reason = accel === 'kvm' ? whyNoKvm() : null;
    const title = `${machine}, ${accel}${reason === null ? '' : ` (skipped: ${reason})`}`;
    describe.skipIf(reason !== null)(`a shared folder: ${title}`, () => {
      it('is read as by Node.js, and each call has the files as they are then', async () => {
        const { guest, ask } = await open(machine, accel);
        expect(await ask({ run: 'text', path: '/share/hello.txt' })).toBe('héllo');
        expect(await ask({ run: 'list', path: '/' })).toEqual(['share']);
        const names = ['hello.txt', 'img', 'large', 'out.txt', 'up'];
        expect(await ask({ run: 'list', path: '/share' })).toEqual(names);
        const recursive = await ask({ run: 'list', path: '/share/img', options: { recursive: true } });
        expect(recursive).toEqual(['deep', 'deep/pixel.bin']);
        const at = [0, 262_143, 262_144, 1_000_000, 1_500_000];
        const some = [1_500_001, ...at.map((index) => index % 251)];
        expect(await ask({ run: 'some', path: '/share/large', at })).toEqual(some);
        await writeFile(join(folder, 'hello.txt'), 'changed');
        await writeFile(join(folder, 'added.txt'), '');
        expect(await ask({ run: 'text', path: '/share/hello.txt' })).toBe('changed');
        expect(await ask({ run: 'list', path: '/share' })).toEqual(['added.txt', ...names]);
        await rm(join(folder, 'added.txt'));
        await writeFile(join(folder, 'hello.txt'), 'héllo');
        expect(await ask({ run: 'exists', paths: ['/share/added.txt', '/share/img'] })).toEqual([false, true]);
        expect(guest.console()).toBe('');
      });

      it('has no way out', async () => {
        const { ask } = await open(machine, accel);
        expect(await ask({ run: 'text', path: '/share/out.txt' })).toMatchObject({ code: 'ELOOP' });
        expect(await ask({ run: 'stat', path: '/share/out.txt' })).toMatchObject({ isFile: false, isLink: true });
        for (const path of ['/share/up/secret.txt', '/share/../secret.txt', '/secret.txt', '/share/none']) {
          expect(await ask({ run: 'text', path })).toMatchObject({ code: expect.stringMatching(/^(ENOENT|ELOOP)$/) });
        }
      });
    });
  }
}

it('says so in a machine without one', async () => {
  const { ask } = await open('pc', 'tcg', false);
  expect(await ask({ run: 'text', path: '/share/hello.txt' })).toMatchObject({
    code: 'ENODEV',
    message: expect.stringContaining('shares no folder'),
  });
  expect(await ask({ run: 'list', path: '/' })).toEqual([]);
});

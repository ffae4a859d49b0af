/** Devices without PCI: QEMU's microvm names them on the kernel's command line, as Firecracker does. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest } from '../../build/guest.mjs';
import { appendAssets } from '../../core/runtimes/ember/pack-assets.ts';
import { bundleIn } from './bundle.ts';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';
import type { MachineOptions } from './machine.ts';

const { networkKernelPath } = await buildGuest({ log: console.error });
const functions = new Functions();
let home: string;
let image: string;
let networkImage: string;

const source = `
import { readFileSync } from 'node:fs';
let calls = 0;
export default ({ file, sleepMs = 0 }: { file?: string; sleepMs?: number }) => {
  console.log('call', ++calls);
  if (file === undefined) return new Promise((resolve) => setTimeout(() => resolve({ calls }), sleepMs));
  const bytes = readFileSync(file);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 127) sum = (sum * 31 + bytes[at]!) % 1e9;
  return { calls, length: bytes.length, sum };
};`;
const content = Uint8Array.from({ length: 1_500_001 }, (_, at) => (at * at) % 251);
const sum = content.filter((_, at) => at % 127 === 0).reduce((all, byte) => (all * 31 + byte) % 1e9, 0);

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-mmio-'));
  await mkdir(join(home, 'public'));
  await writeFile(join(home, 'public/large'), content);
  await writeFile(join(home, 'firstlight.json'), JSON.stringify({ name: 'reads', ember: { assets: 'public' } }));
  const code = await bundleIn(home, source);
  const bake = async (name: string, network?: Parameters<Functions['bake']>[3]) => {
    const path = join(home, name);
    await copyFile((await functions.bake(code, 128, {}, network)).path, path);
    await appendAssets(path, join(home, 'public'), new AbortController().signal);
    return path;
  };
  image = await bake('image.elf');
  if (networkKernelPath === null) return;
  const addresses = { address: '10.0.2.15', netmask: '255.255.255.0', gateway: '10.0.2.2' };
  networkImage = await bake('network.elf', { ...addresses, ports: [8080], timeoutMs: 20_000 });
});
afterEach(() => functions.stopAll());
afterAll(async () => {
  await functions.close();
  await rm(home, { recursive: true, force: true });
});

const disk = (path: string) => [
  ...['-drive', `if=none,id=d0,file=${path},format=raw,readonly=on`],
  ...['-device', 'virtio-blk-device,drive=d0'],
];
const start = (more: Partial<MachineOptions> = {}) =>
  functions.start({ machine: 'microvm', image, memoryMiB: 128, ...more });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return address !== null && typeof address !== 'string' ? address.port : 0;
}

for (const accel of ['tcg', 'kvm'] as const) {
  const reason = accel === 'kvm' ? whyNoKvm() : null;
  describe.skipIf(reason !== null)(`a microvm by ${accel}${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
    it('has the invocation channel, and wakes for it and for timers', async () => {
      const guest = await start({ accel });
      await guest.hello();
      for (let calls = 1; calls <= 20; calls++) {
        expect(JSON.parse(await guest.answer({ sleepMs: calls % 3 }))).toEqual({ calls });
      }
    });

    it('has a disk beside it', async () => {
      const guest = await start({ accel, extra: disk(image) });
      await guest.hello();
      for (let calls = 1; calls <= 3; calls++) {
        const answer = await guest.answer({ file: '/assets/large' }, { deadlineMs: 30_000 });
        expect(JSON.parse(answer)).toEqual({ calls, length: content.length, sum });
      }
    });

    it.skipIf(networkKernelPath === null)('has a network card beside both (needs the source of lwIP)', async () => {
      const port = await freePort();
      const net = [
        ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${port}-10.0.2.15:8080`],
        ...['-device', 'virtio-net-device,netdev=net0'],
      ];
      const guest = await start({ accel, image: networkImage, extra: [...disk(networkImage), ...net] });
      await guest.hello();
      const deadline = { deadlineMs: 30_000 };
      expect(JSON.parse(await guest.answer({ file: '/assets/large' }, deadline))).toMatchObject({ calls: 1, sum });
      for (let calls = 2; calls <= 40; calls += 2) {
        const response = await fetch(`http://127.0.0.1:${port}/`);
        expect(await response.json()).toEqual({ calls });
        expect(JSON.parse(await guest.answer({}))).toEqual({ calls: calls + 1 });
      }
      expect(JSON.parse(await guest.answer({ file: '/assets/large' }, deadline))).toMatchObject({ calls: 42, sum });
    });
  });
}

describe('a command line', () => {
  /** What the guest says before it powers the machine off. */
  async function panicOf(more: Partial<MachineOptions>): Promise<string> {
    const guest = await start(more);
    await expect.poll(() => guest.process.exitCode, { timeout: 20_000 }).toBe(0);
    return guest.console();
  }

  it('may name the devices itself', async () => {
    const guest = await start({
      machine: 'pc',
      extra: [
        ...['-M', 'microvm,acpi=off,auto-kernel-cmdline=off', '-global', 'virtio-mmio.force-legacy=off'],
        ...['-append', 'virtio_mmio.device=512@0xfeb00e00:12'],
      ],
      controller: ['-device', 'virtio-serial-device'],
    });
    await guest.hello();
    expect(JSON.parse(await guest.answer({}))).toEqual({ calls: 1 });
  });

  it('that names none has the guest look on PCI', async () => {
    const extra = ['-M', 'microvm,acpi=off,auto-kernel-cmdline=off'];
    expect(await panicOf({ extra })).toContain('there is no virtio device of type 3');
  });

  it.each([
    ['that names nothing at an address', '4K@0xfe000000:5', 'names no virtio device of type 3'],
    ['that names memory', '4K@0x2000000:5', 'is not a device'],
    ['that names an interrupt which is not there', '512@0xfeb00e00:24', 'has the interrupt 24'],
  ])('%s ends the guest, and the machine', async (_, device, words) => {
    const extra = ['-M', 'microvm,acpi=off,auto-kernel-cmdline=off', '-append', `virtio_mmio.device=${device}`];
    expect(await panicOf({ extra })).toContain(words);
  });

  it('that leads to the interface of before virtio 1.0 says what to do', async () => {
    const extra = ['-global', 'virtio-mmio.force-legacy=on'];
    expect(await panicOf({ extra })).toContain('force-legacy=off');
  });
});

import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processOf } from '#core/store/owner.ts';
import { findUsedNames } from '../in-use.ts';
import { type PlacedMachine, plainMachine } from '../machine.ts';
import { socketPathsIn } from '../socket-dir.ts';
import { writeFakeFirecracker } from '../testing/fake-firecracker.ts';
import { writeFakeJailer } from '../testing/fake-jailer.ts';
import type { Vmm } from '../vmm.ts';
import { findJailer } from './find-jailer.ts';
import { createFirecrackerVmm } from './firecracker-vmm.ts';
import { fillJail, makeJail, takeSaved } from './jail.ts';
import { readLog, trimLog } from './log-file.ts';
import { machineFileIn } from './machine-file.ts';
import { connectTo } from './unix-socket.ts';

let dir: string;
let opened: Vmm[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-jail-'));
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((vmm) => vmm.close()));
  rmSync(dir, { recursive: true, force: true });
});

/** Long: the sockets in the jail then have paths that no address can hold. */
const name = `1234-5678-abcdef${'0'.repeat(40)}`;
const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const unkept = { keep: false, metadata: { id: 'hello-1' }, doing: 'test' };
const jailRootOf = (of: string) => join(dir, 'disks', of, 'firecracker-none', of, 'root');

function place(of = name): PlacedMachine {
  mkdirSync(join(dir, 'run', of), { recursive: true });
  const kernel = { path: join(dir, 'kernel.elf'), cmdline: 'quiet' };
  writeFileSync(kernel.path, 'kernel', { mode: 0o644 });
  const channels = [{ name: 'invoke', carries: 'invocations', vsockPort: 1 }] as const;
  return {
    machine: plainMachine({ accel: 'kvm', memoryMiB: 64, vcpus: 1 }, { kernel, channels }),
    name: `firstlight-${of}`,
    uuid: of,
    title: 'hello',
    firmwarePath: null,
    sockets: socketPathsIn(join(dir, 'run', of)),
  };
}

function open(): Vmm {
  const nothing = () => undefined;
  const vmm = createFirecrackerVmm({
    program: writeFakeFirecracker(dir, 'none'),
    jailer: { program: writeFakeJailer(dir) },
    layout: { socketsDir: join(dir, 'run'), disksDir: join(dir, 'disks') },
    env: process.env,
    uid: process.getuid?.() ?? 0,
    newIds: () => ids,
    listener: {
      ...{ onState: nothing, onLost: nothing, onReopened: nothing, onStarted: nothing },
      ...{ onPaused: nothing, onResumed: nothing, onEnded: nothing },
    },
  });
  opened.push(vmm);
  return vmm;
}

const requests = (): { readonly path: string; readonly body: object }[] =>
  readFileSync(join(dir, 'requests.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a jailed machine', () => {
  it('has its files and sockets in its jail, and is found there by a later program', async () => {
    const vmm = open();
    const placed = place();
    const machine = await vmm.create(placed, { ...unkept, keep: true });
    await machine.resume().doneNs;
    const root = jailRootOf(name);
    expect(requests()).toContainEqual({
      method: 'PUT',
      path: '/boot-source',
      body: { kernel_image_path: 'kernel', boot_args: 'quiet' },
    });
    expect(statSync(join(root, 'kernel')).ino).toBe(statSync(join(dir, 'kernel.elf')).ino);
    expect([existsSync(join(root, 'api.sock')), existsSync(placed.sockets.channel)]).toEqual([true, false]);
    expect(Buffer.byteLength(join(root, 'channel.sock'))).toBeGreaterThan(107);
    const channel = await machine.openChannel('invoke');
    const echoed = new Promise((resolve) => channel.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    channel.write('request');
    expect(await echoed).toBe('request');
    expect(vmm.confinement).toMatch(/^jailed by .*jailer$/);
    // Its command line holds no path of its folder: the id shows that it is used.
    expect(await findUsedNames([name, '1234-5678-fedcba'])).toEqual(new Set([name]));
    const pid = vmm.findProcess(placed.name) ?? 0;
    await vmm.close();

    const [found] = await open().list();
    expect(await found?.readState()).toBe('running');
    expect(JSON.parse(readFileSync(machineFileIn(join(dir, 'run', name)), 'utf8'))).toMatchObject({ jailRoot: root });
    await found?.kill();
    expect(processOf(pid)).toBeNull();
  });

  it('is saved out of its jail, and another goes on from it in one of its own', async () => {
    const vmm = open();
    const first = await vmm.create(place(), unkept);
    await first.resume().doneNs;
    const saved = join(dir, 'saved');
    mkdirSync(saved);
    await vmm.saving?.save(first, saved);
    expect(requests().at(-1)?.body).toMatchObject({ snapshot_path: 'state', mem_file_path: 'memory' });
    expect(readFileSync(join(saved, 'memory'), 'utf8')).toBe('saved');
    await vmm.saving?.restore(place('two'), saved, unkept);
    expect(requests().at(-1)?.body).toMatchObject({
      snapshot_path: 'saved/state',
      mem_backend: { backend_path: 'saved/memory' },
    });
    const inJail = statSync(join(jailRootOf('two'), 'saved', 'memory'));
    expect(inJail.ino).toBe(statSync(join(saved, 'memory')).ino);
  });

  it('that does not start names the way to start without a jailer', async () => {
    const vmm = open();
    const placed = place();
    mkdirSync(jailRootOf(name), { recursive: true });
    writeFileSync(join(jailRootOf(name), 'api.sock'), '');
    await expect(vmm.create(placed, unkept)).rejects.toMatchObject({
      code: 'BOOT_FAILED',
      hint: expect.stringContaining('FIRSTLIGHT_JAILER=none'),
      details: { output: expect.stringContaining('Failed to open the API socket') },
    });
    // A jail is used once.
    await expect(open().create(placed, unkept)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });
});

const isRoot = process.getuid?.() === 0;
it.skipIf(isRoot)(
  `whose files may not be given away names the way to start without a jailer${isRoot ? ' (skipped: root may)' : ''}`,
  async () => {
    const program = writeFakeFirecracker(dir, 'none');
    const socketDir = join(dir, 'run', name);
    const making = makeJail({ program, layout: { disksDir: join(dir, 'disks') } }, socketDir, { uid: 0, gid: 0 }, null);
    await expect(making).rejects.toMatchObject({ hint: expect.stringContaining('FIRSTLIGHT_JAILER=none') });
  },
);

describe('a hostile jailed process', () => {
  it('cannot have another file emptied, read or saved', async () => {
    const victim = join(dir, 'victim');
    const text = 'x'.repeat(2 * 1024 * 1024);
    writeFileSync(victim, text);
    const [symbolic, hard] = [join(dir, 'symbolic.log'), join(dir, 'hard.log')];
    symlinkSync(victim, symbolic);
    linkSync(victim, hard);
    for (const path of [symbolic, hard]) {
      await trimLog(path);
      expect(await readLog(path)).toBe('');
    }
    expect(statSync(victim).size).toBe(text.length);
    const [root, saved] = [join(dir, 'root'), join(dir, 'saved')];
    for (const made of [root, saved]) mkdirSync(made);
    symlinkSync(victim, join(root, 'state'));
    await expect(takeSaved(root, saved)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    expect(existsSync(join(saved, 'state'))).toBe(false);
  });

  it('cannot have a connection made to another socket', async () => {
    const path = join(dir, 'host.sock');
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      (await connectTo(path)).destroy();
      symlinkSync(path, join(dir, 'api.sock'));
      await expect(connectTo(join(dir, 'api.sock'))).rejects.toThrow();
    } finally {
      server.close();
    }
  });
});

it('a private file is copied into a jail, and a disk is given to its user unless it is only read', async () => {
  const program = writeFakeFirecracker(dir, 'none');
  const jail = await makeJail({ program, layout: { disksDir: join(dir, 'disks') } }, join(dir, 'run', name), ids, null);
  const [kernel, initrd, disk, open] = [join(dir, 'k'), join(dir, 'i'), join(dir, 'd'), join(dir, 'o')];
  for (const path of [kernel, initrd, disk]) writeFileSync(path, path, { mode: 0o600 });
  writeFileSync(open, open, { mode: 0o644 });
  const { machine } = place();
  const jailed = await fillJail(jail, {
    ...machine,
    kernel: { path: kernel, cmdline: '', initrdPath: initrd },
    disks: [
      { path: disk, format: 'raw' },
      { path: open, format: 'raw', isReadOnly: true },
      // The image is the kernel, too.
      { path: kernel, format: 'raw', isReadOnly: true },
    ],
  });
  expect(jailed).toMatchObject({
    kernel: { path: 'kernel', initrdPath: 'initrd' },
    disks: [{ path: 'disk0' }, { path: 'disk1', isReadOnly: true }, { path: 'disk2', isReadOnly: true }],
  });
  expect(statSync(join(jail.root, 'disk1'))).toMatchObject({ ino: statSync(open).ino, mode: 0o100644 });
  expect(readFileSync(join(jail.root, 'disk2'), 'utf8')).toBe(kernel);
  expect(statSync(join(jail.root, 'disk2')).ino).not.toBe(statSync(kernel).ino);
  expect(readFileSync(join(jail.root, 'kernel'), 'utf8')).toBe(kernel);
  expect(statSync(join(jail.root, 'kernel')).mode & 0o777).toBe(0o640);
  expect(statSync(kernel).mode & 0o777).toBe(0o600);
  expect(statSync(join(jail.root, 'disk0'))).toMatchObject({ ino: statSync(disk).ino, uid: ids.uid });
});

describe('the jailer', () => {
  /** The head of an ELF program with one segment. */
  function elf(segmentType: number): Buffer {
    const head = Buffer.alloc(120);
    Buffer.from('7f454c4602', 'hex').copy(head);
    head.writeBigUInt64LE(64n, 32);
    head.writeUInt16LE(56, 54);
    head.writeUInt16LE(1, 56);
    head.writeUInt32LE(segmentType, 64);
    return head;
  }
  const find = (env: NodeJS.ProcessEnv = {}, uid = 0, setting?: string) =>
    findJailer(
      join(dir, 'firecracker'),
      { get: async () => (setting === undefined ? {} : { jailer: setting }) },
      {
        env,
        uid,
      },
    );
  const none = (reason: RegExp) => ({ program: null, reason: expect.stringMatching(reason) });

  it('is the one beside Firecracker, or on PATH, where root starts a program without libraries', async () => {
    expect(await find()).toEqual(none(/there is no .*firecracker/));
    writeFileSync(join(dir, 'firecracker'), elf(1));
    expect(await find()).toEqual(none(/no `jailer` in .* or on PATH/));
    mkdirSync(join(dir, 'bin'));
    const onPath = writeFakeJailer(join(dir, 'bin'));
    expect(await find({ PATH: join(dir, 'bin') })).toEqual({ program: onPath });
    const beside = writeFakeJailer(dir);
    expect(await find({ PATH: join(dir, 'bin') })).toEqual({ program: beside });
    expect(await find({}, 1000)).toEqual(none(/runs as you/));
    for (const other of [elf(3), Buffer.from('#!/bin/sh\n')]) {
      writeFileSync(join(dir, 'firecracker'), other);
      expect(await find()).toEqual(none(/not statically linked/));
    }
  });

  it('can be named, or declined, by the environment and then by a setting', async () => {
    expect(await find({ FIRSTLIGHT_JAILER: '/opt/jailer' }, 0, 'none')).toEqual({ program: '/opt/jailer' });
    expect(await find({}, 0, '/srv/jailer')).toEqual({ program: '/srv/jailer' });
    expect(await find({ FIRSTLIGHT_JAILER: 'none' }, 0, '/srv/jailer')).toEqual(none(/FIRSTLIGHT_JAILER/));
  });
});

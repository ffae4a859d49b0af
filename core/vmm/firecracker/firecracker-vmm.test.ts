import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, processOf } from '#core/store/owner.ts';
import { type Machine, type PlacedMachine, plainMachine } from '../machine.ts';
import { socketPathsIn } from '../socket-dir.ts';
import { type FirecrackerFault, writeFakeFirecracker } from '../testing/fake-firecracker.ts';
import type { Vmm } from '../vmm.ts';
import { openApi } from './api-client.ts';
import { writeFirecrackerRequests } from './firecracker-requests.ts';
import { createFirecrackerVmm } from './firecracker-vmm.ts';
import { trimLog } from './log-file.ts';
import { machineFileIn } from './machine-file.ts';
import { openVsock } from './vsock-stream.ts';

let dir: string;
let events: string[];
let opened: Vmm[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-fc-'));
  mkdirSync(join(dir, 'run', 'one'), { recursive: true });
  events = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((vmm) => vmm.close()));
  rmSync(dir, { recursive: true, force: true });
});

const channels = [
  { name: 'invoke', carries: 'invocations', vsockPort: 1 },
  { name: 'print', carries: 'output', vsockPort: 2 },
] as const;
const plain = plainMachine(
  { accel: 'kvm', memoryMiB: 64, vcpus: 1 },
  { kernel: { path: '/kernel.elf', cmdline: 'quiet' }, channels },
);
const place = (more: Partial<Machine> = {}): PlacedMachine => ({
  machine: { ...plain, ...more },
  name: 'firstlight-hello-1',
  uuid: '6a1c5f0e-0000-4000-8000-000000000001',
  title: 'hello',
  firmwarePath: null,
  sockets: socketPathsIn(join(dir, 'run', 'one')),
});
const unjailed = { program: null, reason: 'as tested' };
const unkept = { keep: false, metadata: { id: 'hello-1', owner: { pid: 1 } }, doing: 'test' };

function open(fault: FirecrackerFault = 'none'): Vmm {
  const seen = events;
  const vmm = createFirecrackerVmm({
    program: writeFakeFirecracker(dir, fault),
    jailer: unjailed,
    layout: { socketsDir: join(dir, 'run'), disksDir: join(dir, 'disks') },
    env: process.env,
    uid: process.getuid?.() ?? 0,
    listener: {
      onState: () => undefined,
      onLost: () => undefined,
      onReopened: () => undefined,
      onStarted: ({ name }) => seen.push(`started ${name}`),
      onPaused: () => seen.push('paused'),
      onResumed: () => seen.push('resumed'),
      onEnded: (_, reason) => seen.push(`ended: ${reason}`),
    },
  });
  opened.push(vmm);
  return vmm;
}

const requests = () =>
  readFileSync(join(dir, 'requests.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a saved machine', () => {
  it('is paused and written whole; another one goes on from it, with sockets of its own', async () => {
    const vmm = open();
    const first = await vmm.create(place(), unkept);
    await first.resume().doneNs;
    const saved = join(dir, 'saved');
    mkdirSync(saved);
    await vmm.saving?.save(first, saved);
    expect(events).toContain('ended: destroyed');
    const [state, memory] = [join(saved, 'state'), join(saved, 'memory')];
    expect([existsSync(state), existsSync(memory)]).toEqual([true, true]);
    expect(requests().slice(-2)).toEqual([
      { method: 'PATCH', path: '/vm', body: { state: 'Paused' } },
      {
        method: 'PUT',
        path: '/snapshot/create',
        body: { snapshot_type: 'Full', snapshot_path: state, mem_file_path: memory },
      },
    ]);
    mkdirSync(join(dir, 'run', 'two'));
    const second = {
      ...place(),
      uuid: '6a1c5f0e-0000-4000-8000-000000000002',
      sockets: socketPathsIn(join(dir, 'run', 'two')),
    };
    const restored = await vmm.saving?.restore(second, saved, unkept);
    expect(requests().at(-1)).toEqual({
      method: 'PUT',
      path: '/snapshot/load',
      body: { snapshot_path: state, mem_backend: { backend_type: 'File', backend_path: memory }, resume_vm: false },
    });
    expect(existsSync(second.sockets.channel)).toBe(true);
    expect(restored?.steps?.map(({ name }) => name)).toEqual([
      ...['vmm.started', 'vmm.answers', 'restore.asked', 'restore.loaded'],
    ]);
    await restored?.resume().doneNs;
    expect(requests().at(-1)).toEqual({ method: 'PATCH', path: '/vm', body: { state: 'Resumed' } });
    await restored?.kill();
  });

  it.each(['bad-snapshot', 'killed-in-restore'] as const)('%s: is an error, and no process stays', async (fault) => {
    const vmm = open(fault);
    const pidOf = () => vmm.findProcess(place().name);
    const restoring = vmm.saving?.restore(place(), join(dir, 'saved'), unkept);
    const pid = pidOf() ?? 0;
    await expect(restoring).rejects.toMatchObject({
      code: fault === 'bad-snapshot' ? 'BOOT_FAILED' : expect.any(String),
    });
    expect(processOf(pid)).toBeNull();
    expect(pidOf()).toBeNull();
  });
});

const until = async (happened: () => boolean) => {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const reads = (stream: NodeJS.ReadableStream, text: string) =>
  new Promise<void>((resolve) => {
    let all = '';
    stream.on('data', (chunk: Buffer) => {
      all += chunk.toString();
      if (all === text) resolve();
    });
  });

describe('a machine', () => {
  it('is configured in order, starts when it is first resumed, and leaves nothing', async () => {
    const vmm = open();
    const placed = place();
    const machine = await vmm.create(placed, unkept);
    expect(machine.steps?.map(({ name }) => name)).toEqual(['vmm.started', 'vmm.answers', 'vmm.configured']);
    const { serial, output } = await machine.openConsole(placed.sockets);
    const channel = await machine.openChannel('invoke');
    channel.write('request');
    const printed = reads(serial, 'F');
    await machine.resume().doneNs;
    await Promise.all([printed, reads(channel, 'request')]);
    expect(output).not.toBeNull();
    await machine.pause();
    expect(await machine.readState()).toBe('paused');
    await machine.resume().doneNs;
    expect(await machine.readState()).toBe('running');
    expect(await machine.readMetadata()).toEqual(unkept.metadata);
    const pid = vmm.findProcess(placed.name) ?? 0;
    const owner = processOf(pid);
    expect((await vmm.readStats([machine])).map(({ memoryBytes }) => memoryBytes > 1e6)).toEqual([true]);
    await vmm.close();

    expect(owner !== null && isAlive(owner)).toBe(false);
    expect(await vmm.list()).toEqual([]);
    expect(events).toEqual(['started firstlight-hello-1', 'resumed', 'paused', 'resumed', 'ended: destroyed']);
    const requests = readFileSync(join(dir, 'requests.jsonl'), 'utf8').trim().split('\n');
    expect(requests.map((line) => JSON.parse(line).path).slice(0, 5)).toEqual([
      '/machine-config',
      '/boot-source',
      '/vsock',
      '/actions',
      '/vm',
    ]);
  });

  it('that switches itself off has shut down, and one that is killed has not', async () => {
    const machine = await open('poweroff').create(place(), unkept);
    await machine.resume().doneNs;
    await until(() => events.includes('ended: shutdown'));
    rmSync(join(dir, 'run', 'one', 'api.sock'), { force: true });
    rmSync(join(dir, 'run', 'one', 'channel.sock'), { force: true });
    const vmm = open();
    await vmm.create(place(), unkept);
    process.kill(vmm.findProcess('firstlight-hello-1') ?? 0, 'SIGKILL');
    await until(() => events.includes('ended: vmm-ended'));
    expect(events.filter((event) => event.startsWith('ended'))).toEqual(['ended: shutdown', 'ended: vmm-ended']);
  });

  it('is found by a later program, which can end it, and never mistakes another process for it', async () => {
    const first = open();
    await first.create(place(), { ...unkept, keep: true });
    await first.close();
    const later = open();
    const [found] = await later.list();
    expect(await found?.readMetadata()).toEqual(unkept.metadata);
    await found?.pause();
    expect(await found?.readState()).toBe('paused');
    const pid = later.findProcess('firstlight-hello-1') ?? 0;
    await found?.kill();
    expect(processOf(pid)).toBeNull();

    // The file contains a number that now belongs to another process.
    const other = spawn('sleep', ['60']);
    try {
      const file = JSON.parse(readFileSync(machineFileIn(join(dir, 'run', 'one')), 'utf8'));
      file.process.pid = other.pid;
      writeFileSync(machineFileIn(join(dir, 'run', 'one')), JSON.stringify(file));
      expect(await open().list()).toEqual([]);
      expect(processOf(other.pid ?? 0)).not.toBeNull();
    } finally {
      other.kill();
    }
  });
});

describe('a fault', () => {
  it.each<[FirecrackerFault, string, RegExp]>([
    ['refuses', 'BOOT_FAILED', /refused PUT \/boot-source: The kernel file cannot be opened/],
    ['dies', 'BOOT_FAILED', /ended before firstlight-hello-1 ran \(exit code 1\)/],
    ['garbage', 'INSTANCE_LOST', /something that is no HTTP/],
  ])('%s: it is reported, and the process is ended', async (fault, code, message) => {
    const vmm = open(fault);
    await expect(vmm.create(place(), unkept)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect([vmm.findProcess('firstlight-hello-1'), events]).toEqual([null, []]);
  });

  it('a socket that an earlier process left is reported in the words of Firecracker', async () => {
    writeFileSync(join(dir, 'run', 'one', 'api.sock'), '');
    await expect(open().create(place(), unkept)).rejects.toMatchObject({
      details: { output: expect.stringContaining('Failed to open the API socket') },
    });
  });

  it('an end by its seccomp filter is said at the start', async () => {
    const machine = await open('seccomp').create(place(), unkept);
    await expect(machine.resume().doneNs).rejects.toMatchObject({ message: expect.stringMatching(/148.*seccomp/) });
  });

  it('an API that does not answer is given up', async () => {
    const path = join(dir, 'silent.sock');
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(path);
    const api = await openApi(path, { timeoutMs: 50, ended: new Promise(() => undefined) });
    await expect(api.request('GET', '/')).rejects.toMatchObject({ code: 'INSTANCE_LOST' });
    server.close();
    const nobody = openApi(join(dir, 'nobody.sock'), { timeoutMs: 20, ended: new Promise(() => undefined) });
    await expect(nobody).rejects.toMatchObject({ code: 'BOOT_FAILED' });
  });

  it('a path that is too long for a socket is refused before anything is started', async () => {
    const long = join(dir, 'run', 'x'.repeat(100));
    mkdirSync(long);
    const placed = { ...place(), sockets: socketPathsIn(long) };
    await expect(open().create(placed, unkept)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    expect(existsSync(join(dirname(placed.sockets.channel), 'firecracker.log'))).toBe(false);
    expect(existsSync(join(dir, 'requests.jsonl'))).toBe(false);
  });

  it('a log that a guest fills is emptied', async () => {
    const path = join(dir, 'firecracker.log');
    writeFileSync(path, 'short');
    await trimLog(path);
    expect(readFileSync(path, 'utf8')).toBe('short');
    writeFileSync(path, 'x'.repeat(2 * 1024 * 1024));
    await trimLog(path);
    expect(readFileSync(path, 'utf8')).toBe('');
    await trimLog(join(dir, 'absent.log'));
  });

  it('a program that is not there is named', async () => {
    const vmm = createFirecrackerVmm({
      program: join(dir, 'absent'),
      jailer: unjailed,
      layout: { socketsDir: join(dir, 'run'), disksDir: join(dir, 'disks') },
      env: process.env,
      uid: process.getuid?.() ?? 0,
      listener: { onState: () => undefined } as Parameters<typeof createFirecrackerVmm>[0]['listener'],
    });
    expect(await vmm.list()).toEqual([]);
    expect([vmm.state, vmm.failure?.code]).toEqual(['lost', 'TOOL_MISSING']);
    await expect(vmm.connect()).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    await expect(vmm.create(place(), unkept)).rejects.toMatchObject({ code: 'BOOT_FAILED' });
  });

  it('a reply to a connection that is none ends the stream', async () => {
    const path = join(dir, 'vsock.sock');
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n')).listen(path);
    const stream = await openVsock(path, 1);
    const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
    expect(await failed).toMatchObject({ code: 'CHANNEL_BROKEN' });
    server.close();
    await expect(openVsock(join(dir, 'nobody.sock'), 1)).rejects.toMatchObject({ code: 'CHANNEL_BROKEN' });
  });
});

const forward = (protocol: 'tcp' | 'udp') => ({ protocol, hostPort: 8080, guestPort: 80 });
const userNetwork = {
  ...({ kind: 'user', guestIp: '10.0.2.15', isRestricted: true } as const),
  forwards: [forward('tcp')],
};

describe('what Firecracker cannot give is said before anything is started', () => {
  it.each<[string, Partial<Machine>, RegExp]>([
    ['emulation', { accel: 'tcg' }, /emulated processors/],
    ['firmware', { firmware: 'machine' }, /Firecracker cannot give a machine firmware/],
    ['a disk that boots', { kernel: null }, /a boot from its disk/],
    ['qcow2', { disks: [{ path: '/a', format: 'qcow2' }] }, /a qcow2 disk/],
    ['a bridge', { networks: [{ kind: 'bridge', name: 'br0' }] }, /this network/],
    ['two networks', { networks: [userNetwork, userNetwork] }, /several networks/],
    ['UDP', { networks: [{ ...userNetwork, forwards: [forward('udp')] }] }, /a forwarded UDP port/],
    ['virtio-serial', { channels: [{ name: 'a', carries: 'output' }] }, /a virtio-serial port/],
  ])('%s', (_, more, message) => {
    expect(() => writeFirecrackerRequests(place(more))).toThrow(message);
  });

  it('all of it at once, with a way out', () => {
    const nothing = place({ kernel: null, disks: [{ path: '/a', format: 'qcow2' }], accel: 'tcg' });
    expect(() => writeFirecrackerRequests(nothing)).toThrow(
      expect.objectContaining({
        message: 'Firecracker cannot give a machine emulated processors, a boot from its disk or a qcow2 disk.',
        hint: expect.stringMatching(/QEMU emulates.*no firmware.*are raw.*leave out `--vmm firecracker`/),
      }),
    );
  });

  it('a debugger', () => {
    expect(() => writeFirecrackerRequests({ ...place(), gdbSocketPath: '/gdb.sock' })).toThrow(/a debugger/);
  });

  it('and what it can give is in its requests', () => {
    const kernel = { path: '/vmlinux', cmdline: 'quiet', initrdPath: '/initrd' };
    const disks = [
      { path: '/d', format: 'raw' },
      { path: '/e', format: 'raw', isReadOnly: true },
    ] as const;
    const machine = place({ kernel, vsock: { cid: 5 }, disks, networks: [userNetwork] });
    expect(writeFirecrackerRequests(machine)).toEqual([
      { path: '/machine-config', body: { vcpu_count: 1, mem_size_mib: 64 } },
      {
        path: '/boot-source',
        body: { kernel_image_path: '/vmlinux', boot_args: 'quiet', initrd_path: '/initrd' },
      },
      {
        path: '/drives/disk0',
        body: { drive_id: 'disk0', path_on_host: '/d', is_root_device: false, is_read_only: false },
      },
      {
        path: '/drives/disk1',
        body: { drive_id: 'disk1', path_on_host: '/e', is_root_device: false, is_read_only: true },
      },
      {
        path: '/network-interfaces/net0',
        body: { iface_id: 'net0', guest_mac: '52:54:00:12:34:56', host_dev_name: 'guest' },
      },
      { path: '/vsock', body: { guest_cid: 5, uds_path: 'channel.sock' } },
    ]);
  });
});

import { execFile, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { connect } from 'node-libvirt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { homeOf } from '#core/instances/home-of.ts';
import { writeMetadataXml } from '#core/vmm/libvirt/metadata-xml.ts';
import type { MachineMetadata } from '#core/vmm/vmm.ts';
import { createSecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { createSshd, type Sshd, whyNoSshd } from './sshd.ts';
import { makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');
const reason = whyNot() ?? whyNoSecondLibvirtd() ?? whyNoSshd();

describe.skipIf(reason !== null)(`a host that shares no files${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const there = reason === null ? makeHome() : '';
  const socket = join(there, 'sockets/libvirt-sock');
  // It finds our home empty, so it has neither images nor the folders of sockets.
  const lab = createSecondLibvirtd(there, { hidden: [home] });
  const volumes = () =>
    execFileSync('virsh', ['-c', lab.uri, 'vol-list', 'firstlight'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^ [0-9a-f]{64} /.test(line)).length;
  let sshd: Sshd;
  let studio: Studio;

  beforeAll(async () => {
    sshd = await createSshd(join(home, 'sshd'));
    await Promise.all([sshd.start(), lab.start()]);
    studio = await openStudio({ home });
    await studio.client.call('hosts:add', { name: 'far', uri: sshd.uri('/system', { socket }) });
  });
  afterAll(async () => {
    await studio?.close();
    lab.destroyDomains();
    await lab.kill();
    await sshd?.kill();
    for (const dir of [home, there]) removeHome(dir);
  });

  it('gets volumes written and read by streams', async () => {
    const connection = await connect({ uri: sshd.uri('/system', { socket }) });
    const dir = join(there, 'pool');
    const pool = await connection.createPoolXml(
      `<pool type="dir"><name>bytes</name><target><path>${dir}</path></target></pool>`,
      { build: true },
    );
    // More than one message of a stream, and no multiple of it.
    const bytes = Buffer.from(Array.from({ length: 700_001 }, (_, index) => index % 251));
    const volume = await pool.createVolumeXml(
      `<volume><name>v</name><capacity unit="bytes">${bytes.length}</capacity><target><format type="raw"/></target></volume>`,
    );
    await volume.upload(Readable.from([bytes]), { lengthBytes: bytes.length });
    expect((await buffer(await volume.download())).equals(bytes)).toBe(true);
    const part = await buffer(await volume.download({ offsetBytes: 10, lengthBytes: 5 }));
    expect([...part]).toEqual([10, 11, 12, 13, 14]);
    expect(await volume.path()).toBe(join(dir, 'v'));
    expect((await volume.info()).capacityBytes).toBe(bytes.length);
    await volume.delete();
    await expect(pool.lookupVolume('v')).rejects.toMatchObject({ codeName: 'VIR_ERR_NO_STORAGE_VOL' });
    await pool.destroy();
    await connection.close();
  });

  it('runs a function: its image is copied once, and console, output and metrics come from there', async () => {
    const source = 'export default (event) => { console.log("hello from " + event.from); return event.from; };';
    const project = await studio.project('far-away', source);
    const run = (event: string, lifetime: 'stop' | 'session') =>
      studio.client.call('instances:run', { projectId: project.id, host: 'far', event: { from: event }, lifetime });
    const first = await run('one', 'session');
    expect([first.error, first.response?.body]).toEqual([null, { kind: 'json', value: 'one' }]);
    expect(lab.domains()).toEqual([first.instance?.domain]);
    // The kernel with the function, and the firmware.
    expect(volumes()).toBe(2);

    const instanceId = first.instance?.id as never;
    let text = '';
    const stream = studio.client.openStream('console:attach', { instanceId }, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    await until('it has printed', () => text.includes('hello from one'));
    stream.close();
    const warm = await studio.client.call('instances:invoke', { instanceId, event: { from: 'warm' } });
    expect(warm.response?.body).toEqual({ kind: 'json', value: 'warm' });
    const samples = async () => (await studio.client.call('metrics:recent', { instanceId })).length;
    const before = await samples();
    await until('it is sampled', async () => (await samples()) > before);

    expect((await run('two', 'stop')).error).toBeNull();
    expect(volumes()).toBe(2);
    writeFileSync(join(project.dir, 'handler.ts'), 'export default () => 3;');
    expect((await run('three', 'stop')).response?.body).toEqual({ kind: 'json', value: 3 });
    expect(volumes()).toBe(3);
    await studio.client.call('instances:stop', { instanceId });
    await until('all have ended', () => lab.domains().length === 0);
  });

  it('runs while another computer makes volumes there, when libvirt reads no pool anew', async () => {
    const project = await studio.project('beside', 'export default () => "beside";');
    const connection = await connect({ uri: lab.uri });
    const pool = await connection.lookupPoolByName('firstlight');
    const running = studio.client.call('instances:run', { projectId: project.id, host: 'far' });
    let isDone = false;
    const done = running.finally(() => {
      isDone = true;
    });
    // libvirt has qemu-img make such a volume, which takes long enough to meet.
    const xml =
      '<volume><name>other</name><capacity unit="MiB">1</capacity><target><format type="qcow2"/></target></volume>';
    let refused = 0;
    while (!isDone) {
      const making = pool.createVolumeXml(xml);
      await pool.refresh().catch(() => (refused += 1));
      await (await making).delete();
    }
    const run = await done;
    expect([run.error, run.response?.body]).toEqual([null, { kind: 'json', value: 'beside' }]);
    expect(refused).toBeGreaterThan(0);
    await connection.close();
  });

  it('keeps an instance, which a later session finds and calls', async () => {
    const project = await studio.project('kept', 'export default () => "here";');
    await studio.close();
    // A separate process: this one knows its own instances anyway.
    const env = { ...process.env, FIRSTLIGHT_HOME: home, FIRSTLIGHT_ACCEL: 'tcg' };
    const args = [cliPath, 'run', project.dir, '--host', 'far', '--keep', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const { instance } = JSON.parse(stdout);
    expect(lab.domains()).toEqual([instance.domain]);
    studio = await openStudio({ home });
    const instanceId = instance.id as never;
    const answer = await studio.client.call('instances:invoke', { instanceId });
    expect(answer.response?.body).toEqual({ kind: 'json', value: 'here' });
    await studio.client.call('instances:stop', { instanceId });
    expect(lab.domains()).toEqual([]);
  });

  it('is left by ssh when the program is killed', async () => {
    const masters = () =>
      execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.startsWith('ssh ') && line.includes(`-p ${sshd.port}`)).length;
    const before = masters();
    // A program that is killed leaves the folder of its ssh in the temporary directory.
    const env = { ...process.env, FIRSTLIGHT_HOME: home, FIRSTLIGHT_ACCEL: 'tcg', TMPDIR: home };
    const cli = spawn(process.execPath, [cliPath, 'stats', '--watch'], { env, stdio: 'ignore' });
    await until('it is connected', () => masters() === before + 1);
    cli.kill('SIGKILL');
    await until('its ssh has ended', () => masters() === before);
    expect(masters()).toBe(before);
  });

  it('leaves alone what another computer has there, and ends what a dead program of this one left', async () => {
    const ours = homeOf({ vmm: { isRemote: true }, layout: { dataDir: join(home, 'data') } });
    const record = (recordHome: string): MachineMetadata => ({
      ...{ id: 'left-00000000', home: recordHome, projectId: '0123456789ab', functionName: 'left', runtime: 'ember' },
      ...{ imageId: 'a'.repeat(64), bundleId: 'b'.repeat(64), imagePath: '/x', accel: 'tcg', startMode: 'cold' },
      ...{ memoryMiB: 32, vcpus: 1, timeoutMs: 1000, keep: false, createdAt: new Date().toISOString() },
      socketDir: join(home, 'run/sockets/1-1-00000a'),
      owner: { pid: 1, startTicks: '1', bootId: 'another' },
    });
    const xml = (name: string, recordHome: string) =>
      `<domain type="qemu"><name>firstlight-${name}</name><metadata>${writeMetadataXml(record(recordHome))}</metadata><memory unit="MiB">32</memory><os><type arch="x86_64">hvm</type></os></domain>`;
    const connection = await connect({ uri: lab.uri });
    const other = await connection.createDomainXml(xml('other', `another-machine:${home}/data`), { paused: true });
    await connection.createDomainXml(xml('ours', ours), { paused: true });
    await until('ours has ended', () => !lab.domains().includes('firstlight-ours'));
    expect(lab.domains()).toEqual(['firstlight-other']);
    await other.destroy();
    await connection.close();
  });
});

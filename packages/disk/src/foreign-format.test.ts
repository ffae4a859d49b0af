import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foreignFormat, foreignHeadBytes } from './foreign-format.ts';
import { openDisk, refuseForeignContent } from './open-disk.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-foreign-'));
  await truncate(await emptyFile('raw'), 1 << 20);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function emptyFile(name: string): Promise<string> {
  await runTool('touch', [join(dir, name)]);
  return join(dir, name);
}

describe('a disk of another program is named, with a command that works', () => {
  it.each(['vmdk', 'vhdx', 'vpc', 'vdi', 'qed', 'parallels'])('%s', async (format) => {
    const path = join(dir, `disk.${format}`);
    await runTool('qemu-img', ['convert', '-f', 'raw', '-O', format, join(dir, 'raw'), path]);
    const error = await openDisk(path).catch((thrown) => thrown);
    expect(error).toMatchObject({ reason: 'unsupported', hint: expect.stringContaining(`-f ${format} -O raw`) });
    const [tool = '', ...args] = error.hint.replace('Convert it first: ', '').split(' ');
    await runTool(tool, args, { cwd: dir });
    const { disk } = await openDisk(`${path}.raw`);
    expect(disk.bytes).toBeGreaterThanOrEqual(1 << 20);
    await disk.close();
  });

  it.each([
    ['compression_type=zstd', /Zstandard/],
    ['extended_l2=on', /extended L2/],
    ['data_file=%', /data in another file/],
  ])('qcow2 with %s', async (option, words) => {
    const name = option.replace(/\W.*/, '');
    const path = join(dir, `${name}.qcow2`);
    const options = option.replace('%', join(dir, `${name}.data`));
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, path, '1M']);
    await expect(openDisk(path)).rejects.toMatchObject({
      reason: 'unsupported',
      message: expect.stringMatching(words),
      hint: expect.stringContaining('-f qcow2 -O raw'),
    });
  });

  it.each(['gzip', 'xz', 'zstd', 'bzip2'])('packed with %s, by any name', async (tool) => {
    const path = join(dir, `packed-${tool}`);
    await runTool('sh', ['-c', `${tool} -c < raw > ${path}`], { cwd: dir });
    const error = await openDisk(path).catch((thrown) => thrown);
    await runTool('sh', ['-c', error.hint.replace('Convert it first: ', '')], { cwd: dir });
    const { disk } = await openDisk(`${path}.raw`);
    expect(disk.bytes).toBe(1 << 20);
    await disk.close();
  });

  it.each([
    ['ext4', 0x438, '\x53\xef\x01\0', /ext2, ext3 or ext4/],
    ['ext4 in use', 0x438, '\x53\xef\0\0', /ext2, ext3 or ext4/],
    ['btrfs', 0x10040, '_BHRfS_M', /Btrfs/],
    ['f2fs', 0x400, '\x10\x20\xf5\xf2', /F2FS/],
    ['swap', 4086, 'SWAPSPACE2', /swap/],
    ['lvm', 512, 'LABELONE', /LVM/],
    ['bzImage', 0x202, 'HdrS', /kernel of Linux/],
    ['exfat', 3, 'EXFAT   ', /exFAT/],
    ['apfs', 32, 'NXSB', /APFS/],
    ['android', 0, '\x3a\xff\x26\xed', /Android/],
    ['7z', 0, '7z\xbc\xaf\x27\x1c', /7z/],
    ['lzop', 0, '\x89LZO\0', /lzop/],
    ['xfs', 0, 'XFSB', /XFS/],
    ['fat', 54, 'FAT16   ', /FAT/],
    ['ntfs', 3, 'NTFS    ', /NTFS/],
    ['zip', 0, 'PK\x03\x04', /zip archive/],
    ['lz4', 0, '\x04\x22\x4d\x18', /lz4/],
    ['bochs', 0, 'Bochs Virtual HD Image', /Bochs/],
    ['dmg', (1 << 17) - 512, 'koly', /macOS/],
    ['erofs', 1024, '\xe2\xe1\xf5\xe0', /EROFS/],
    ['cpio', 0, '070701', /cpio/],
    ['luks', 0, 'LUKS\xba\xbe', /encrypted with LUKS/],
    ['iso', 0x8001, 'CD001', /CD image/],
    ['gpt', 512, 'EFI PART', /GPT/],
  ])('of another system: %s', async (name, at, text, words) => {
    const path = join(dir, `system-${name}`);
    const bytes = Buffer.alloc(1 << 17);
    bytes.write(text, at, 'latin1');
    await writeFile(path, bytes);
    expect(() => {
      const error = foreignFormat(path, bytes.subarray(0, foreignHeadBytes), bytes.subarray(-foreignHeadBytes));
      if (error !== null) throw error;
    }).toThrow(words);
  });

  it('encrypted, or of an older qcow, with a command that QEMU takes', async () => {
    const secret = ['--object', 'secret,id=key,data=abc'];
    const options = 'encrypt.format=luks,encrypt.key-secret=key';
    const encrypted = join(dir, 'encrypted');
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', ...secret, '-o', options, encrypted, '1M']);
    await expect(openDisk(encrypted)).rejects.toMatchObject({
      reason: 'unsupported',
      hint: expect.stringContaining('driver=qcow2,encrypt.key-secret=key,file.filename=encrypted -O raw encrypted.raw'),
    });
    const older = join(dir, 'older');
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow', older, '1M']);
    await expect(openDisk(older)).rejects.toMatchObject({ hint: expect.stringContaining('-f qcow -O raw') });
  });

  it('packed with gzip, or in a tar archive', async () => {
    await runTool('gzip', ['--keep', join(dir, 'raw')]);
    await expect(openDisk(join(dir, 'raw.gz'))).rejects.toMatchObject({ hint: expect.stringContaining('gzip -dc') });
    await runTool('tar', ['-C', dir, '-cf', join(dir, 'raw.tar'), 'raw']);
    await expect(openDisk(join(dir, 'raw.tar'))).rejects.toMatchObject({ hint: expect.stringContaining('tar -xf') });
  });
  it.each(['z', 'J', 'j', '-zstd'])('as a tar archive that tar -c%s packs', async (option) => {
    const name = { z: 'as-gzip', J: 'raw.tar.xz', j: 'raw.tbz2', '-zstd': 'raw.tar.zst' }[option] as string;
    await runTool('tar', [`-${option}`, '-cf', name, 'raw'], { cwd: dir });
    await expect(openDisk(join(dir, name))).rejects.toMatchObject({
      message: expect.stringContaining('a tar archive, packed with'),
      hint: `Convert it first: tar -xf ${name}`,
    });
  });

  it('that an overlay builds on, with a command for the whole', async () => {
    await runTool('qemu-img', ['convert', '-f', 'raw', '-O', 'vdi', 'raw', 'below.vdi'], { cwd: dir });
    const named = join(dir, 'named.qcow2');
    const options = ['create', '-q', '-f', 'qcow2', '-b', 'below.vdi', '-F', 'vdi', named, '1M'];
    await runTool('qemu-img', options, { cwd: dir });
    const bytes = await readFile(named);
    // An extension that nobody knows, in place of the format's.
    bytes.writeUInt32BE(0x1111_1111, bytes.indexOf('e2792aca', 0, 'hex'));
    await writeFile(join(dir, 'found.qcow2'), bytes);
    for (const top of ['named.qcow2', 'found.qcow2']) {
      await expect(openDisk(join(dir, top))).rejects.toMatchObject({
        reason: 'unsupported',
        subject: join(dir, top),
        message: expect.stringContaining('below.vdi'),
        hint: `Convert it first: qemu-img convert -f qcow2 -O raw ${top} ${top}.raw`,
      });
    }
  });

  it('marked as corrupt, with the command that repairs it', async () => {
    const path = join(dir, 'corrupt.qcow2');
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1M']);
    const bytes = await readFile(path);
    bytes.writeUInt8(2, 79);
    await writeFile(path, bytes);
    await expect(openDisk(path)).rejects.toMatchObject({ reason: 'damaged', hint: expect.stringContaining('-r all') });
    await runTool('qemu-img', ['check', '-q', '-r', 'all', path]);
    await (await openDisk(path)).disk.close();
  });
});

it('what another system wrote is named in a disk of our own formats too', async () => {
  const raw = Buffer.alloc(1 << 20);
  raw.write('EFI PART', 512, 'latin1');
  raw.write('XFSB', 1 << 19, 'latin1');
  await writeFile(join(dir, 'linux'), raw);
  await runTool('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'linux', 'linux.qcow2'], { cwd: dir });
  const { disk } = await openDisk(join(dir, 'linux.qcow2'));
  const of = (start: number, bytes: number) => refuseForeignContent(disk, { start, bytes });
  await expect(of(0, disk.bytes)).rejects.toMatchObject({
    message: expect.stringContaining('GPT'),
    reason: 'unsupported',
  });
  await expect(of(1 << 19, 1 << 19)).rejects.toMatchObject({ message: expect.stringContaining('XFS') });
  await expect(of(4096, 4096)).resolves.toBeUndefined();
  await disk.close();
});

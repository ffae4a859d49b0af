import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foreignFormat, foreignHeadBytes } from './foreign-format.ts';
import { openDisk } from './open-disk.ts';

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
    ['xfs', 0, 'XFSB', /XFS/],
    ['fat', 54, 'FAT16   ', /FAT/],
    ['ntfs', 3, 'NTFS    ', /NTFS/],
    ['zip', 0, 'PK\x03\x04', /zip archive/],
    ['lz4', 0, '\x04\x22\x4d\x18', /lz4/],
    ['bochs', 0, 'Bochs Virtual HD Image', /Bochs/],
    ['dmg', (1 << 16) - 512, 'koly', /macOS/],
    ['erofs', 1024, '\xe2\xe1\xf5\xe0', /EROFS/],
    ['cpio', 0, '070701', /cpio/],
    ['luks', 0, 'LUKS\xba\xbe', /encrypted with LUKS/],
    ['iso', 0x8001, 'CD001', /CD image/],
    ['gpt', 512, 'EFI PART', /GPT/],
  ])('of another system: %s', async (name, at, text, words) => {
    const path = join(dir, `system-${name}`);
    const bytes = Buffer.alloc(1 << 16);
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
});

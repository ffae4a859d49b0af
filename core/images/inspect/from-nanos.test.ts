/** Images that others made: mkfs, and the kernel itself while it ran. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDisk } from '@firstlight/disk';
import { bootNanos, compileStatic, nanosDir, nanosParts, skippedWithoutNanos } from '@firstlight/disk/testing';
import { createFileTree } from '@firstlight/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../../exec/run-tool.ts';
import { contentOf } from '../testing/read-content.ts';
import { describeImage } from './describe-image.ts';
import { listTree } from './list-tree.ts';
import { withImage } from './open-image.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-nanos-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('an image that mkfs made', () => {
  it.skipIf(!nanosDir)(`is read back equal${skippedWithoutNanos}`, async () => {
    const path = join(dir, 'mkfs.raw');
    const big = join(dir, 'mkfs.bin');
    await writeFile(big, Buffer.alloc(3_000_000, 'mkfs'));
    const file = (host: string) => `(contents:(host:${host}))`;
    const manifest = `(children:(bin:(children:(app:${file(big)})) passwd:${file('/etc/passwd')} link:(linktarget:bin/app))
      program:/bin/app arguments:[app one] environment:(NAME:value) debug_exit:t)`;
    const parts = ['-b', join(nanosDir ?? '', 'boot.img'), '-k', join(nanosDir ?? '', 'kernel.img'), '-l', 'made'];
    await runTool(join(nanosDir ?? '', 'tools/mkfs'), [...parts, path], { input: manifest });
    const info = await withImage(path, (image) => describeImage(image, 'root'));
    expect(info.fileSystem).toMatchObject({
      version: 5,
      label: 'made',
      program: '/bin/app',
      arguments: ['app', 'one'],
      environment: { NAME: 'value' },
      options: { debug_exit: 't' },
    });
    const listing = await withImage(path, async (image) => listTree(await image.volume('root'), 'root', '/', 100));
    expect(listing.entries.map((entry) => [entry.path, entry.kind])).toEqual([
      ['/bin', 'directory'],
      ['/bin/app', 'file'],
      ['/link', 'symlink'],
      ['/passwd', 'file'],
    ]);
    expect(await contentOf(path, '/link')).toBe('mkfs'.repeat(750_000));
    expect(await contentOf(path, '/passwd')).toBe(await readFile('/etc/passwd', 'utf8'));
    const kernel = await withImage(path, async (image) => listTree(await image.volume('boot'), 'boot', '/', 100));
    expect(kernel.entries).toMatchObject([{ path: '/kernel', bytes: (await stat(parts[3] ?? '')).size }]);
  });
});

/** Makes, changes, links, moves and removes files, and reserves space that is never written. */
const busyProgram = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void put(const char *path, const char *text, off_t at) {
  int file = open(path, O_CREAT | O_RDWR, 0644);
  if (pwrite(file, text, strlen(text), at) < 0) perror(path);
  close(file);
}
int main(void) {
  mkdir("/made", 0755);
  put("/made/new", "new", 0);
  put("/made/hole", "end", 1000000);
  put("/etc/passwd", "user", 0);
  put("/gone", "gone", 0);
  unlink("/gone");
  put("/before", "moved", 0);
  rename("/before", "/made/after");
  symlink("after", "/made/link");
  int first = link("/made/new", "/made/second");
  int file = open("/made/set-aside", O_CREAT | O_RDWR, 0644);
  if (fallocate(file, 0, 0, 100000) != 0) perror("fallocate");
  close(file);
  char name[40];
  for (int index = 0; index < 3000; index++) {
    snprintf(name, sizeof name, "/made/churn-%d", index % 3);
    put(name, "churn", 0);
    unlink(name);
  }
  sync();
  printf("done %d\\n", first);
  return 0;
}
`;

describe('an image that Nanos wrote to', () => {
  it.skipIf(!nanosDir)(`is read as Nanos left it${skippedWithoutNanos}`, { timeout: 120_000 }, async () => {
    const program = await compileStatic(dir, 'busy', busyProgram);
    const builder = createFileTree();
    const add = (path: string, data: Buffer) =>
      builder.add(path, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
    add('/bin/app', Buffer.alloc(300_000, 'host'));
    add('/etc/passwd', Buffer.from('root\n'));
    const { size } = await stat(program);
    builder.add('/busy', { kind: 'file', content: { kind: 'host', path: program }, bytes: size });
    const path = join(dir, 'busy.raw');
    const options = new Map<string, string | string[]>([
      ['program', '/busy'],
      ['arguments', ['busy']],
      ['debug_exit', 't'],
    ]);
    await writeDisk(path, { tree: builder.tree, root: options, digest: 'd', boot: nanosParts() });
    const { output, status } = await bootNanos([{ path, format: 'raw' }]);
    expect({ output, status }).toEqual({ output: expect.stringMatching(/^done 0$/m), status: 0 });

    const [listing, info] = await withImage(path, async (image) => [
      listTree(await image.volume('root'), 'root', '/made', 100),
      await describeImage(image, 'root'),
    ]);
    expect(listing.entries.map(({ path: file, bytes }) => [file, bytes])).toEqual([
      ['/made/after', 5],
      ['/made/hole', 1_000_003],
      ['/made/link', 5],
      ['/made/new', 3],
      ['/made/second', 3],
      ['/made/set-aside', 100_000],
    ]);
    expect(info.fileSystem?.warnings).toEqual([]);
    expect(await contentOf(path, '/made/link')).toBe('moved');
    expect(await contentOf(path, '/made/second')).toBe('new');
    expect(await contentOf(path, '/etc/passwd')).toBe('user\n');
    expect(await contentOf(path, '/made/hole')).toBe(`${'\0'.repeat(1_000_000)}end`);
    expect(await contentOf(path, '/made/set-aside')).toBe('\0'.repeat(100_000));
    expect(await contentOf(path, '/bin/app')).toBe('host'.repeat(75_000));
  });
});

import {
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSavedFiles, sealSavedFiles } from './saved-files.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-saved-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Memory as a VMM writes it: mostly empty. */
const memory = Buffer.alloc(9 * 1024 * 1024 + 100);
memory.write('first', 0);
memory.write('middle', 5 * 1024 * 1024);
memory.write('last', memory.length - 4);

describe('the files of a saved machine', () => {
  it('are private, keep their content, and take no space where they are empty', async () => {
    writeFileSync(join(dir, 'memory'), memory, { mode: 0o644 });
    writeFileSync(join(dir, 'state'), 'registers', { mode: 0o644 });
    const files = await sealSavedFiles(dir);
    expect(files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['memory', memory.length],
      ['state', 9],
    ]);
    expect(readFileSync(join(dir, 'memory')).equals(memory)).toBe(true);
    expect(statSync(join(dir, 'memory')).blocks * 512).toBeLessThan(100_000);
    for (const { name } of files) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(await checkSavedFiles(dir, files)).toBe(true);
  });

  it('are refused when one was cut in half, has another byte, or is gone', async () => {
    const path = join(dir, 'memory');
    writeFileSync(path, memory);
    const files = await sealSavedFiles(dir);
    expect(await checkSavedFiles(dir, files)).toBe(true);
    truncateSync(path, memory.length / 2);
    expect(await checkSavedFiles(dir, files)).toBe(false);
    const changed = Buffer.from(memory);
    changed[5 * 1024 * 1024] = 0x4d;
    writeFileSync(path, changed);
    expect(await checkSavedFiles(dir, files)).toBe(false);
    rmSync(path);
    expect(await checkSavedFiles(dir, files)).toBe(false);
  });

  it('are read once, also when a jail links them between', async () => {
    const path = join(dir, 'memory');
    writeFileSync(path, memory);
    const files = await sealSavedFiles(dir);
    utimesSync(path, 1, 1);
    expect(await checkSavedFiles(dir, files)).toBe(true);
    linkSync(path, join(dir, 'linked'));
    // What a second reading would find wrong.
    writeFileSync(path, Buffer.alloc(memory.length, 1));
    utimesSync(path, 1, 1);
    expect(await checkSavedFiles(dir, files)).toBe(true);
    utimesSync(path, 2, 2);
    expect(await checkSavedFiles(dir, files)).toBe(false);
  });

  it('are refused when data moved into another place', async () => {
    const path = join(dir, 'memory');
    writeFileSync(path, memory);
    const files = await sealSavedFiles(dir);
    const moved = Buffer.from(memory);
    moved.copy(moved, 6 * 1024 * 1024, 5 * 1024 * 1024, 5 * 1024 * 1024 + 4096);
    moved.fill(0, 5 * 1024 * 1024, 5 * 1024 * 1024 + 4096);
    writeFileSync(path, moved);
    expect(await checkSavedFiles(dir, files)).toBe(false);
  });
});

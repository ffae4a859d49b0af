import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createConsoleLog, readConsoleLog } from './console-log.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-console-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const small = { headBytes: 10, tailSegmentBytes: 6, pendingBytes: 1000 };
const bytes = async () => Buffer.concat(await Readable.from(readConsoleLog(dir)).toArray());
const text = async () => (await bytes()).toString('latin1');

describe('the console log', () => {
  it('keeps short output byte for byte', async () => {
    const log = createConsoleLog(dir);
    log.append(Uint8Array.from([0, 255, 27, 91]));
    log.append(Buffer.from('é'));
    await log.flush();
    expect([...(await bytes())]).toEqual([0, 255, 27, 91, 0xc3, 0xa9]);
  });

  it('keeps the beginning and the end of long output, and says how much is missing', async () => {
    const log = createConsoleLog(dir, small);
    for (const letter of 'abcdefghijklmnopqrstuvwxyz0123456789') {
      log.append(Buffer.from(letter));
      await log.flush();
    }
    expect(await text()).toBe('abcdefghij\r\n[firstlight: 18 bytes of console output not kept]\r\n23456789');
    expect((await readdir(dir)).length).toBe(3);
  });

  it('takes one large piece as well as many small ones', async () => {
    const log = createConsoleLog(dir, small);
    log.append(Buffer.from('abcdefghijklmnopqrstuvwxyz'));
    await log.flush();
    expect(await text()).toBe('abcdefghij\r\n[firstlight: 6 bytes of console output not kept]\r\nqrstuvwxyz');
  });

  it('leaves out what comes faster than the disk takes it, and says so', async () => {
    const log = createConsoleLog(dir, { headBytes: 100, tailSegmentBytes: 100, pendingBytes: 4 });
    log.append(Buffer.from('aaaa'));
    await log.flush();
    for (const letter of 'bcdefghi') log.append(Buffer.from(letter.repeat(2)));
    await log.flush();
    // Two were taken by the writer at once or waited; the last two fit the bound.
    expect(await text()).toMatch(/^aaaa.*\[firstlight: \d+ bytes of console output not kept\].*hhii$/s);
  });

  it('gives a part of the output while it is being written, with the place of each piece', async () => {
    const log = createConsoleLog(dir, small);
    const part = async (from: number, to: number) =>
      (await Readable.from(log.read(from, to)).toArray()).map(({ at, bytes }) => `${at} ${Buffer.from(bytes)}`);
    log.append(Buffer.from('abcdefghijklm'));
    // Nothing was awaited: it is written first.
    expect(await part(2, 12)).toEqual(['2 cdefghij', '10 kl']);
    log.append(Buffer.from('nopqrstuvwxyz'));
    expect(await part(0, 26)).toEqual(['0 abcdefghij', '16 qrstuv', '22 wxyz']);
    expect(await part(24, 26)).toEqual(['24 yz']);
    expect(await part(12, 14)).toEqual([]);
    log.append(Buffer.from('!'));
    await log.flush();
  });

  it('does not keep what its caller writes into the same buffer later', async () => {
    const log = createConsoleLog(dir);
    const buffer = Buffer.from('first');
    log.append(buffer);
    buffer.fill('x');
    await log.flush();
    expect(await text()).toBe('first');
  });

  it('keeps 100,000 lines whole', async () => {
    const log = createConsoleLog(dir);
    const lines = Array.from({ length: 100_000 }, (_, n) => `line ${n} ${'x'.repeat(200)}\n`);
    for (let at = 0; at < lines.length; at += 1_000) {
      log.append(Buffer.from(lines.slice(at, at + 1_000).join('')));
      await log.flush();
    }
    expect(await text()).toBe(lines.join(''));
  });

  it('bounds 100 MB on disk and in memory', async () => {
    const limits = { headBytes: 8 << 20, tailSegmentBytes: 4 << 20, pendingBytes: 4 << 20 };
    const log = createConsoleLog(dir, limits);
    const chunk = Buffer.alloc(256 << 10, '.');
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    for (let sent = 0; sent < 100 << 20; sent += chunk.length) {
      log.append(chunk);
      if (sent % (2 << 20) === 0) await new Promise((resolve) => setImmediate(resolve));
      if (sent % (16 << 20) !== 0) continue;
      // The log's own bytes, without those that wait for the collector.
      collectGarbage();
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
    await log.flush();
    const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
    const { headBytes, tailSegmentBytes } = limits;
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(headBytes + 2 * tailSegmentBytes);
    expect(peak).toBeLessThan(48 << 20);
    expect(await text()).toMatch(/bytes of console output not kept/);
  });
});

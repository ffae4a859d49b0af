import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Functions } from './functions.ts';
import type { Machine } from './machine.ts';

const functions = new Functions();
const dir = mkdtempSync(path.join(tmpdir(), 'ember-console-'));
afterEach(() => functions.stopAll());
afterAll(async () => {
  await functions.close();
  rmSync(dir, { recursive: true });
});

let count = 0;

/** A machine with the console port, and a reader of that port. */
async function boot(code: string, memoryMiB = 64): Promise<{ guest: Machine; reader: Socket; text: () => string }> {
  const socketPath = path.join(dir, String(++count));
  const guest = await functions.boot(code, {
    memoryMiB,
    extra: [
      ...['-chardev', `socket,id=console0,path=${socketPath},server=on,wait=off`],
      ...['-device', 'virtserialport,chardev=console0,name=dev.firstlight.console.0,nr=2'],
    ],
  });
  const chunks: Buffer[] = [];
  const reader = (await connect(socketPath)).on('data', (chunk) => void chunks.push(chunk));
  return { guest, reader, text: () => Buffer.concat(chunks).toString() };
}

/** QEMU creates its sockets one after another: this one may come later than the channel's. */
async function connect(socketPath: string): Promise<Socket> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = createConnection(socketPath, () => resolve(socket)).once('error', reject);
      });
    } catch (error) {
      if (attempt > 1000) throw error;
      await sleep(5);
    }
  }
}

const flood = `export default ({ lines, spinMs }) => {
  for (let i = 0; i < lines; i++) console.log('line ' + i);
  for (const end = Date.now() + spinMs; Date.now() < end; );
  return 'done';
};`;
const linesOf = (lines: number) => Array.from({ length: lines }, (_, i) => `line ${i}\r\n`).join('');

describe('the console port', () => {
  it('has all that was printed when the answer is there, and the serial port has none of it', async () => {
    const { guest, text } = await boot(flood);
    expect(await guest.answer({ lines: 10_000, spinMs: 0 })).toBe('"done"');
    await expect.poll(text, { timeout: 2000 }).toBe(linesOf(10_000));
    expect(guest.console()).not.toContain('line');
    expect(await guest.answer({ lines: 3, spinMs: 0 })).toBe('"done"');
    await expect.poll(text).toBe(linesOf(10_000) + linesOf(3));
  });

  it('holds the guest back while nobody reads, and loses nothing', async () => {
    const { guest, reader, text } = await boot(flood);
    await guest.hello();
    reader.pause();
    const lines = 100_000;
    const answer = guest.answer({ lines, spinMs: 0 }, { deadlineMs: 0 });
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    await sleep(1_500);
    expect(answered).toBe(false);
    reader.resume();
    expect(await answer).toBe('"done"');
    await expect.poll(() => text().length, { timeout: 2000 }).toBe(linesOf(lines).length);
    expect(text() === linesOf(lines)).toBe(true);
  });

  it('shows what was printed while the handler still works', async () => {
    const { guest, text } = await boot(flood);
    await guest.hello();
    let answered = false;
    const answer = guest.answer({ lines: 50, spinMs: 3000 }).then((body) => {
      answered = true;
      return body;
    });
    await expect.poll(text, { timeout: 2500, interval: 20 }).toBe(linesOf(50));
    expect(answered).toBe(false);
    expect(await answer).toBe('"done"');
  });

  it('is emptied before a crash is reported on the serial port', async () => {
    const code = `export default (event) => { console.log('last words'); return new Function('return ' + '()=>'.repeat(event.deep) + '1'); };`;
    const { guest, text } = await boot(code, 256);
    const error = await guest.fails({ deep: 2500 });
    expect(error).toMatchObject({ code: 'CRASHED', fatal: true });
    await expect.poll(text).toBe('last words\r\n');
    expect(guest.console()).toContain('ember: page fault');
  });

  it('is not waited for when nobody is connected: what is printed is dropped, as by a serial port', async () => {
    const { guest, reader } = await boot(flood);
    await guest.hello();
    reader.destroy();
    await sleep(100);
    expect(await guest.answer({ lines: 20_000, spinMs: 0 })).toBe('"done"');
  });
});

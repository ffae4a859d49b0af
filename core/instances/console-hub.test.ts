import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { EngineStream } from '#shared/contract/index.ts';
import { createConsoleHub } from './console-hub.ts';

interface Viewer extends EngineStream {
  readonly text: () => string;
  readonly type: (text: string) => void;
  readonly leave: () => void;
  readonly release: () => void;
}

/** A viewer that takes everything at once, or, when slow, one chunk each time it is released. */
function createViewer(slow = false): Viewer {
  const abort = new AbortController();
  const chunks: Uint8Array[] = [];
  let listener: (chunk: Uint8Array) => void = () => undefined;
  let release: () => void = () => undefined;
  return {
    signal: abort.signal,
    write: (chunk) => {
      chunks.push(chunk);
      if (!slow) return Promise.resolve();
      return new Promise((resolve) => {
        release = resolve;
      });
    },
    onData: (next) => {
      listener = next;
    },
    text: () => Buffer.concat(chunks).toString('latin1'),
    type: (text) => listener(Buffer.from(text)),
    leave: () => abort.abort(),
    release: () => release(),
  };
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('createConsoleHub', () => {
  it('gives a late viewer what was printed before, then what comes, then the end', async () => {
    const hub = createConsoleHub();
    const source = new PassThrough();
    hub.connect(source);
    source.write('before ');
    await settle();
    const viewer = createViewer();
    const served = hub.serve(viewer);
    source.write('after');
    await settle();
    hub.end();
    await served;
    expect(viewer.text()).toBe('before after');
  });

  it('does not let a slow viewer slow another, and notes what it missed', async () => {
    const hub = createConsoleHub(1000);
    const source = new PassThrough();
    hub.connect(source);
    const [slow, quick] = [createViewer(true), createViewer()];
    void hub.serve(slow);
    void hub.serve(quick);
    for (let i = 0; i < 50; i++) {
      source.write('x'.repeat(100));
      await settle();
    }
    expect(quick.text()).toHaveLength(5000);
    expect(slow.text()).toHaveLength(100);
    slow.release();
    await settle();
    expect(slow.text()).toContain('[3900 bytes skipped');
    slow.release();
    await settle();
    expect(slow.text().endsWith('x'.repeat(1000))).toBe(true);
  });

  it('shows a late viewer how much it does not see', async () => {
    const hub = createConsoleHub(1000);
    const source = new PassThrough();
    hub.connect(source);
    source.write('x'.repeat(5000));
    await settle();
    const viewer = createViewer();
    void hub.serve(viewer);
    await settle();
    expect(viewer.text()).toMatch(/\[4000 bytes before this are not in this view/);
    expect(viewer.text().endsWith('x'.repeat(1000))).toBe(true);
  });

  it('gives a late viewer from the record what the hub no longer keeps, and says what nobody kept', async () => {
    const hub = createConsoleHub(10);
    const source = new PassThrough();
    let recorded = '';
    hub.record({
      write: (chunk) => (recorded += Buffer.from(chunk).toString()),
      // The record has lost its third and fourth bytes.
      read: async function* (from, to) {
        if (from < 2) yield { at: from, bytes: Buffer.from(recorded.slice(from, 2)) };
        yield { at: Math.max(from, 4), bytes: Buffer.from(recorded.slice(Math.max(from, 4), to)) };
      },
    });
    hub.connect(source);
    source.write('0123456789');
    source.write('abcdefghij');
    await settle();
    const viewer = createViewer();
    const served = hub.serve(viewer);
    source.write('!');
    await settle();
    hub.end();
    await served;
    expect(viewer.text().replace('\u001b[0m', '')).toMatch(
      /^01\[2 bytes before this are not in this view[^\n]*\n456789abcdefghij!$/,
    );
  });

  it('passes binary output unchanged, and input to the guest', async () => {
    const hub = createConsoleHub();
    const source = new PassThrough();
    const typed: string[] = [];
    source.write = ((chunk: Uint8Array) => typed.push(Buffer.from(chunk).toString()) > 0) as never;
    hub.connect(source);
    const all = Uint8Array.from({ length: 256 }, (_, value) => value);
    source.emit('data', all);
    const viewer = createViewer();
    const served = hub.serve(viewer);
    await settle();
    viewer.type('ls\r');
    viewer.leave();
    await served;
    expect(viewer.text()).toBe(Buffer.from(all).toString('latin1'));
    expect(typed).toEqual(['ls\r']);
  });

  it('puts what the function printed before the panic that followed it, however they are read', async () => {
    const hub = createConsoleHub();
    const [serial, port] = [new PassThrough(), new PassThrough()];
    hub.connect(serial, port);
    serial.emit('data', Buffer.from('panic'));
    port.emit('data', Buffer.from('one '));
    port.emit('data', Buffer.from('two '));
    hub.end();
    const viewer = createViewer();
    await hub.serve(viewer);
    expect(viewer.text()).toBe('one two panic');
  });

  it('keeps apart what came by the serial port', async () => {
    const hub = createConsoleHub();
    const [serial, port] = [new PassThrough(), new PassThrough()];
    hub.connect(serial, port);
    port.write('printed');
    serial.write('panic');
    await vi.waitFor(() => expect(hub.tail(100)).toBe('printedpanic'));
    expect(hub.serial.tail(100)).toBe('panic');
    expect(hub.serial.totalBytes()).toBe(5);
  });

  it('drops input to a guest that does not read', async () => {
    const hub = createConsoleHub();
    const unread = new Duplex({ read: () => undefined, write: () => undefined });
    hub.connect(unread);
    const viewer = createViewer();
    void hub.serve(viewer);
    for (let count = 0; count < 1000; count++) viewer.type('x'.repeat(1000));
    expect(unread.writableLength).toBeGreaterThan(60_000);
    expect(unread.writableLength).toBeLessThan(70_000);
    viewer.leave();
  });

  it('records everything, also what falls out of the ring', async () => {
    const hub = createConsoleHub(10);
    const source = new PassThrough();
    let recorded = '';
    hub.record({ write: (chunk) => (recorded += Buffer.from(chunk).toString()), read: async function* () {} });
    hub.connect(source);
    source.write('0123456789');
    source.write('abcdefghij');
    await settle();
    expect(recorded).toBe('0123456789abcdefghij');
    expect(hub.tail(4)).toBe('ghij');
    expect(hub.totalBytes()).toBe(20);
  });
});

import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Connection, connect, type Domain, LibvirtError } from './index.ts';
import { type FakeDomain, FakeLibvirt } from './testing/index.ts';

let fake: FakeLibvirt;
let conn: Connection;
let guest: FakeDomain;
let dom: Domain;
beforeEach(async () => {
  fake = await FakeLibvirt.start();
  guest = fake.addDomain({ name: 'guest' });
  conn = await connect({ uri: fake.uri });
  dom = await conn.lookupByName('guest');
});
afterEach(async () => {
  await conn.close();
  await fake.stop();
});

describe('a stream', () => {
  it('carries bytes both ways and ends with the guest', async () => {
    await guest.console.write('booted\n');
    const console = await dom.openConsole();
    const received = once(guest.console, 'data');
    console.write('ls\n');
    expect(String((await received)[0])).toBe('ls\n');
    await guest.console.write('done\n');
    fake.stopDomain(guest);
    expect(await text(console)).toBe('booted\ndone\n');
    expect(console.firstByteAtNs).toBeGreaterThan(0n);
    await expect.poll(() => fake.clients).toBe(1);
  });

  it('names the channel it opens', async () => {
    const port = guest.channel('org.example.0');
    port.on('data', (data: Buffer) => void port.write(`echo ${data}`));
    const channel = await dom.openChannel('org.example.0');
    channel.write('hello');
    const [answer] = await once(channel, 'data');
    expect(String(answer)).toBe('echo hello');
    channel.destroy();
  });

  it('cuts what is written into messages that the daemon takes', async () => {
    const sizes: number[] = [];
    guest.console.on('data', (data: Buffer) => sizes.push(data.length));
    const console = await dom.openConsole();
    const data = Buffer.alloc(600_000, 7);
    await new Promise((resolve) => console.write(data, resolve));
    await expect.poll(() => sizes).toEqual([262_120, 262_120, 75_760]);
    console.destroy();
  });

  it('finishes on end() and lets the daemon confirm', async () => {
    const console = await dom.openConsole();
    const detached = once(guest.console, 'detached');
    console.resume();
    console.end('bye');
    await detached;
    await once(console, 'close');
    expect(console.errored).toBeNull();
  });

  it('aborts on destroy()', async () => {
    const console = await dom.openConsole();
    const detached = once(guest.console, 'detached');
    console.destroy();
    await detached;
    expect(console.destroyed).toBe(true);
  });

  it('fails with the error that the daemon ends it with', async () => {
    const console = await dom.openConsole();
    const failed = once(console, 'error');
    guest.console.fail(39, 'stream had I/O failure');
    const [error] = await failed;
    expect(error).toBeInstanceOf(LibvirtError);
    expect(error).toMatchObject({ codeName: 'VIR_ERR_RPC', domainName: 'VIR_FROM_STREAMS' });
  });

  it('that cannot be opened says why and leaves nothing behind', async () => {
    fake.inject({ call: 'domainOpenConsole', fault: { kind: 'error', code: 55, message: 'in use' } });
    await expect(dom.openConsole()).rejects.toMatchObject({ message: 'in use' });
    await expect.poll(() => fake.clients).toBe(1);
  });

  it('holds the guest back while nobody reads, loses nothing, and leaves calls alone', async () => {
    const console = await dom.openConsole();
    const chunk = Buffer.alloc(65_536, 'x');
    const total = 20 * 1024 * 1024;
    let sent = 0;
    const flood = (async () => {
      while (sent < total) {
        await guest.console.write(chunk);
        sent += chunk.length;
      }
      guest.console.end();
    })();
    await sleep(150);
    const held = sent;
    expect(held).toBeLessThan(4 * 1024 * 1024);
    expect(await conn.hostname()).toBe('fake');
    await sleep(50);
    expect(sent).toBe(held);
    let got = 0;
    for await (const data of console) got += (data as Buffer).length;
    await flood;
    expect(got).toBe(total);
  });
});

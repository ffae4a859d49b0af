import { bootMarker } from '@firstlight/disk';
import { describe, expect, it } from 'vitest';
import { playInstance } from '../testing/instance-link.ts';
import { watchBoot } from './boot-watch.ts';
import { readyMarker } from './wire.ts';

const marker = String.fromCharCode(bootMarker);

function watched(boot: 'disk' | 'direct' = 'disk') {
  const instance = playInstance({});
  const watch = watchBoot(instance.link.onSerial, { kind: 'function', boot });
  const names = () => watch.marks().map(({ name, atNs }) => [name, atNs]);
  return { ...instance, watch, names };
}
const isSettled = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve, false))]);

describe('the watch over a boot', () => {
  it('takes the first byte for the boot code’s, or for the kernel’s', async () => {
    const disk = watched();
    expect(await isSettled(disk.watch.spoke)).toBe(false);
    disk.say('', 5);
    disk.say(marker, 10);
    expect(await isSettled(disk.watch.spoke)).toBe(true);
    expect(disk.names()).toEqual([['boot.sector', 10]]);
    const direct = watched('direct');
    direct.say('[0.0] something', 20);
    expect(direct.names()).toEqual([['kernel.spoke', 20]]);
    const marked = watched('direct');
    marked.say(marker, 30);
    expect(marked.names()).toEqual([['kernel.entered', 30]]);
  });

  it('reads the address from a line that comes in pieces, and stamps it with its first byte', async () => {
    const { watch, say, names } = watched();
    say(`${marker}[0.102`, 1);
    say('] en1: assigned 192.168.', 2);
    say('1.7\r', 3);
    expect(await isSettled(watch.address)).toBe(false);
    say('\n[0.2] en1: assigned FE80:0:0:0\n', 4);
    expect(await watch.address).toBe('192.168.1.7');
    expect(names()).toEqual([
      ['boot.sector', 1],
      ['network.address', 1],
    ]);
  });

  it('notices that the function listens once, wherever the marker is cut', async () => {
    for (let cut = 1; cut < readyMarker.length; cut++) {
      const { watch, say, names } = watched();
      say(`${marker}no end of line ${readyMarker.slice(0, cut)}`, 1);
      expect(await isSettled(watch.listening)).toBe(false);
      say(`${readyMarker.slice(cut)} and on\n${readyMarker}`, 2);
      expect(await isSettled(watch.listening)).toBe(true);
      expect(names()).toEqual([
        ['boot.sector', 1],
        ['listening.seen', 2],
      ]);
      expect(watch.text()).toBe('no end of line  and on\n');
    }
  });

  it('does not take a title or a link that a program prints for that marker', async () => {
    const { watch, say } = watched();
    say(`${marker}\u001b]0;title\u001b\\\u001b]8;;http://a.example\u001b\\link\u001b]8;;\u001b\\\n`);
    expect(await isSettled(watch.listening)).toBe(false);
  });

  it('keeps what was printed without what the boot says, and the last of it when it is long', () => {
    const { watch, say } = watched();
    say(`${marker}gitversion: x\n`);
    say('[0.1] en1: assigned 10.0.2.15\r\n[0.1] NET: starting\nhéllo\r\n[0.2] not the kernel\n');
    expect(watch.text()).toBe('gitversion: x\nhéllo\n[0.2] not the kernel\n');
    const line = `${'x'.repeat(999)}\n`;
    for (let i = 0; i < 3000; i++) say(line);
    say('the end');
    const output = watch.text();
    expect(output.length).toBeLessThanOrEqual(1024 * 1024 + line.length);
    expect(output.endsWith(`${line}the end`)).toBe(true);
    for (let i = 0; i < 3; i++) say('y'.repeat(1024 * 1024));
    expect(watch.text().length).toBeLessThanOrEqual(2 * 1024 * 1024 + line.length);
  });

  it('takes out what the kernel says in the middle of a line, and no byte of the program', () => {
    const { watch, say } = watched();
    say(`${marker}[0.100000] en1: assigned 10.0.2.15\ntotal: [4.201737] en1: assigned FE80::5054:FF:FE12:3456\n42\n`);
    expect(watch.text()).toBe('total: 42\n');
    say('\xff\xfe\r\n[1.5] lines of its own\n');
    expect(Buffer.from(watch.output()).subarray(10).toString('latin1')).toMatch(/\r\n\[1\.5\] lines of its own\n$/);
  });

  it('bounds what it takes for the kernel’s, and takes no message twice', () => {
    const { watch, say } = watched();
    const line = (port: number) => `[0.1] NET: ${port}\n`;
    say(marker);
    for (let port = 0; port < 70; port++) say(line(port) + line(0));
    const kept = [...Array(64).fill(line(0)), ...[64, 65, 66, 67, 68, 69].map((port) => line(port) + line(0))];
    expect(watch.text()).toBe(kept.join(''));
  });

  it('listens until it is stopped', () => {
    const { watch, say, names, listeners } = watched();
    say(marker, 1);
    watch.stop();
    say(readyMarker, 2);
    expect([names(), listeners()]).toEqual([[['boot.sector', 1]], 0]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { streamLogs } from './logs.ts';
import { line, lostPod, openPodLogs, type PodLogs, pod } from './testing/pod-logs.ts';

let server: PodLogs;
beforeEach(async () => {
  server = await openPodLogs();
});
afterEach(() => server.close());

async function read(follow: boolean, onText: (text: string, end: () => void) => unknown = () => undefined) {
  const ending = new AbortController();
  let bytes = Buffer.alloc(0);
  const write = async (chunk: Uint8Array) => {
    bytes = Buffer.concat([bytes, chunk]);
    onText(bytes.toString('latin1'), () => ending.abort());
  };
  await streamLogs(server.cluster, 'greet', { follow, tailLines: 100 }, { write, signal: ending.signal });
  return bytes.toString('latin1');
}

describe('the log of a function', () => {
  it('is that of its pod, byte for byte and without the times of the cluster', async () => {
    server.pods = [pod('greet-1')];
    server.logs = [
      (response) => {
        response.write(Buffer.from(line(1, 'a\rb\xff'), 'latin1'));
        response.end(line(2, '').concat(line(3, 'end')).slice(0, -1));
      },
    ];
    expect(await read(false)).toBe('a\rb\xff\n\nend\n');
    expect(server.asked[0]?.searchParams.get('tailLines')).toBe('100');
  });

  it('has the name of its pod before each line, where there are several', async () => {
    server.pods = [pod('greet-1'), pod('greet-2')];
    server.logs = [(response) => response.end(`${line(1, 'one')}${line(2, '')}`)];
    expect((await read(false)).split('\n').sort()).toEqual([
      '',
      '[greet-1] ',
      '[greet-1] one',
      '[greet-2] ',
      '[greet-2] one',
    ]);
  });

  it('says that a node does not answer, and does not ask it', async () => {
    server.pods = [lostPod('greet-1')];
    expect(await read(false)).toMatch(/^\(no log of greet-1: its node n1 does not answer; .*\)\n$/);
    expect(server.asked).toEqual([]);
  });

  it('is followed on after a lost connection, without a line missing or doubled', async () => {
    server.pods = [pod('greet-1')];
    let cut: () => void = () => undefined;
    server.logs = [
      (response) => {
        response.write(`${line(1, 'one')}${line(2, 'tw')}`.slice(0, -1));
        cut = () => response.destroy();
      },
      (response) => response.write(`${line(2, 'two')}${line(3, 'three')}`),
    ];
    const text = await read(true, (shown, end) => {
      if (shown === 'one\n') cut();
      if (shown.endsWith('three\n')) end();
    });
    expect(text).toMatch(/^one\n\(the connection is lost and tried again: .*\)\ntwo\nthree\n$/);
    expect(server.asked[1]?.searchParams.get('sinceTime')).toBe('2026-01-02T03:04:02.5Z');
  });
});

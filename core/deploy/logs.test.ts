import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { streamLogs } from './logs.ts';
import { line, lostPod, openPodLogs, type PodLogs, pod, running } from './testing/pod-logs.ts';

let server: PodLogs;
beforeEach(async () => {
  server = await openPodLogs();
});
afterEach(() => {
  vi.useRealTimers();
  server.close();
});

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

  it('is opened again where it stays silent, and where it ends while its container runs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.pods = [pod('greet-1')];
    server.logs = [
      // As after a rotation: the connection stays, and nothing comes.
      (response) => response.write(line(1, 'one')),
      (response) => response.end(`${line(1, 'one')}${line(2, 'two')}`),
      (response) => response.write(`${line(2, 'two')}${line(3, 'three')}`),
    ];
    let show: () => void = () => undefined;
    const shown = new Promise<void>((resolve) => {
      show = resolve;
    });
    const reading = read(true, (text, end) => {
      show();
      if (text.endsWith('three\n')) end();
    });
    await shown;
    await vi.advanceTimersByTimeAsync(59_000);
    expect(server.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    expect(await reading).toBe('one\ntwo\nthree\n');
    expect(server.asked.map(({ searchParams }) => searchParams.get('sinceTime'))).toEqual([
      null,
      '2026-01-02T03:04:01.5Z',
      '2026-01-02T03:04:02.5Z',
    ]);
  });

  it('goes on while the cluster cannot be asked for new pods, and follows those that come then', async () => {
    server.pods = [pod('greet-1')];
    let print: (text: string) => void = () => undefined;
    server.logs = [
      (response) => {
        print = (text) => response.write(text);
        response.write(line(1, 'one'));
        server.pods = null;
      },
      (response) => response.write(line(3, 'from another')),
    ];
    let lists = 0;
    server.onList = () => {
      lists += 1;
      if (lists === 3) print(line(2, 'two'));
    };
    const text = await read(true, (shown, end) => {
      if (shown.endsWith('two\n')) server.pods = [pod('greet-1'), pod('greet-2')];
      if (shown.endsWith('from another\n')) end();
    });
    expect(text).toBe('one\ntwo\n[greet-2] from another\n');
  });

  it('is followed on in the container that begins after one that ended', async () => {
    const restarted = (count: number) => {
      const [own] = running.containerStatuses ?? [];
      return pod('greet-1', {
        ...running,
        containerStatuses: own === undefined ? [] : [{ ...own, restartCount: count }],
      });
    };
    server.pods = [restarted(0)];
    server.logs = [(response) => response.end(line(1, 'first')), (response) => response.write(line(2, 'second'))];
    const text = await read(true, (shown, end) => {
      if (shown === 'first\n') server.pods = [restarted(1)];
      if (shown.endsWith('second\n')) end();
    });
    expect(text).toBe('first\nsecond\n');
  });
});

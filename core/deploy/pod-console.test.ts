import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { streamPodConsole } from './pod-console.ts';
import { line, lostPod, openPodLogs, type PodLogs, type PodStatus, pod, running } from './testing/pod-logs.ts';

let server: PodLogs;
beforeEach(async () => {
  server = await openPodLogs();
});
afterEach(() => {
  vi.useRealTimers();
  server.close();
});

const ended = (reason: string, exitCode: number): PodStatus => ({
  phase: 'Running',
  containerStatuses: [{ name: 'function', ready: false, restartCount: 0, state: { terminated: { reason, exitCode } } }],
});

async function follow(instance?: string, onText: (text: string, end: () => void) => unknown = () => undefined) {
  const ending = new AbortController();
  let text = '';
  const write = async (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString('utf8');
    onText(text, () => ending.abort());
  };
  await streamPodConsole(server.cluster, 'greet', instance, { write, signal: ending.signal });
  return text;
}

describe('the console of a pod', () => {
  it('is that of the newest one, from its beginning, until its container ends, with the reason', async () => {
    server.pods = [pod('greet-old', running, '2026-01-01T00:00:00Z'), pod('greet-new')];
    server.logs = [
      (response) => {
        server.pods = [pod('greet-new', ended('OOMKilled', 137))];
        response.end(`${line(1, 'SeaBIOS\r')}${line(2, '\x1b[31mred')}`);
      },
    ];
    expect(await follow()).toBe('SeaBIOS\r\n\x1b[31mred\n(greet-new ended (OOMKilled, exit status 137))\n');
    expect(server.asked[0]?.pathname).toContain('/pods/greet-new/log');
    expect(server.asked[0]?.searchParams.get('sinceTime')).toBeNull();
  });

  it('goes on after a lost connection, without a byte missing or doubled', async () => {
    server.pods = [pod('greet-1')];
    let cut: () => void = () => undefined;
    server.logs = [
      (response) => {
        response.write(`${line(1, 'one')}${line(2, 'tw')}`.slice(0, -1));
        cut = () => response.destroy();
      },
      (response) => {
        server.pods = [pod('greet-1', ended('Completed', 0))];
        response.end(`${line(1, 'one')}${line(2, 'two')}`);
      },
    ];
    const text = await follow('greet-1', (shown) => shown === 'one\ntw' && cut());
    const notes = /\(the connection is lost and tried again: .*\)\n\(connected again\)\n/;
    expect(text).toMatch(notes);
    expect(text.replace(notes, '')).toBe('one\ntwo\n(greet-1 ended (Completed, exit status 0))\n');
    expect(server.asked[1]?.searchParams.get('sinceTime')).toBe('2026-01-02T03:04:02.5Z');
  });

  it('is opened again where it stays silent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.pods = [pod('greet-1')];
    server.logs = [
      (response) => response.write(line(1, 'one')),
      (response) => {
        server.pods = [pod('greet-1', ended('Completed', 0))];
        response.end(`${line(1, 'one')}${line(2, 'two')}`);
      },
    ];
    let show: () => void = () => undefined;
    const shown = new Promise<void>((resolve) => {
      show = resolve;
    });
    const following = follow('greet-1', () => show());
    await shown;
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(await following).toBe('one\ntwo\n(greet-1 ended (Completed, exit status 0))\n');
    expect(server.asked).toHaveLength(3);
  });

  it('says that its pod was evicted, in the words of the kubelet, or is gone', async () => {
    const evicted: PodStatus = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' };
    server.pods = [pod('greet-1')];
    server.logs = [
      (response) => {
        server.pods = [pod('greet-1', evicted)];
        response.end(line(1, 'one'));
      },
    ];
    expect(await follow()).toBe('one\n(greet-1 ended: Evicted: The node was low on resource: memory.)\n');
    server.pods = [pod('greet-1')];
    server.logs = [
      (response) => {
        server.pods = [];
        response.end(line(1, 'one'));
      },
    ];
    expect(await follow()).toBe('one\n(greet-1 is gone)\n');
  });

  it('ends where its node does not answer', async () => {
    server.pods = [lostPod('greet-1')];
    expect(await follow()).toMatch(/^\(no console of greet-1: its node n1 does not answer; .*\)\n$/);
    expect(server.asked).toEqual([]);
  });

  it('does not run on into the next container', async () => {
    const anew: PodStatus = {
      phase: 'Running',
      containerStatuses: [
        {
          ...{ name: 'function', ready: true, restartCount: 1, state: { running: {} } },
          lastState: { terminated: { reason: 'Error', exitCode: 1 } },
        },
      ],
    };
    server.pods = [pod('greet-1')];
    server.logs = [
      (response) => {
        server.pods = [pod('greet-1', anew)];
        response.end(line(1, 'one'));
      },
    ];
    expect(await follow()).toBe(
      'one\n(the container of greet-1 ended (Error, exit status 1) and began anew: open the console again)\n',
    );
    expect(server.asked).toHaveLength(1);
  });

  it('waits for a container to begin, and says why it has not', async () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
    const notYet: PodStatus = {
      phase: 'Pending',
      containerStatuses: [{ name: 'function', ready: false, restartCount: 0, state: { waiting } }],
    };
    server.pods = [pod('greet-1', notYet)];
    let looks = 0;
    server.onLook = () => {
      if (++looks === 3) server.pods = [pod('greet-1')];
    };
    server.logs = [(response) => response.write(line(1, 'up'))];
    const text = await follow(undefined, (shown, end) => shown.endsWith('up\n') && end());
    expect(text).toBe('(greet-1 has not begun: ImagePullBackOff: Back-off pulling image)\nup\n');
  });

  it('names the pods that there are, and what starts one', async () => {
    server.pods = [pod('greet-1'), pod('greet-2')];
    await expect(follow('greet-9')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'greet has no pod "greet-9" in team.',
      hint: expect.stringContaining('greet-1, greet-2'),
    });
    server.pods = [];
    await expect(follow()).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('deploy scale') });
  });
});

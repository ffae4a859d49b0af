import { describe, expect, it } from 'vitest';
import { parseForwards } from './forwards.ts';
import { portToTake } from './ports.ts';

describe('the connections of QEMU’s user-mode network', () => {
  const record = { guestIp: '10.0.2.15', guestPort: 8080, listen: '0.0.0.0' };
  const head =
    'Hub -1 (firstlight):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n';

  it('has the ports that lead to a place in the guest, and who is connected', () => {
    const text = `${head}${[
      '  TCP[ESTABLISHED]   12       127.0.0.1 28000       10.0.2.15  8080     0     0',
      '  TCP[CLOSE_WAIT]    13       192.0.2.7 28000       10.0.2.15  8080   512     0',
      '  TCP[TIME_WAIT]     -1       127.0.0.1 28000       10.0.2.15  8080     0     0',
      '  TCP[HOST_FORWARD]   9               * 28000       10.0.2.15  8080     0     0',
      '  TCP[HOST_FORWARD]  10               * 40123       10.0.2.15  8080     0     0',
      '  TCP[HOST_FORWARD]  11               *  9000       10.0.2.15  9000     0     0',
      // What the guest itself has opened.
      '  TCP[ESTABLISHED]   14       10.0.2.15 49152        10.0.2.2  8080     0     0',
      '  UDP[236 sec]       15       10.0.2.15 49153       10.0.2.15  8080     0     0',
    ].join('\r\n')}\r\n`;
    expect(parseForwards(text, record)).toEqual({ ports: [28000, 40123], connections: 2 });
  });

  it('has none of a guest without a network', () => {
    expect(parseForwards('', record)).toEqual({ ports: [], connections: 0 });
  });
});

describe('the port of a function on a host', () => {
  const on = (revision: number, port: number, isInService: boolean) => ({ record: { revision, port }, isInService });

  it('goes to the next revision, the lowest first, each once', () => {
    const before = [on(1, 28_001, true), on(1, 28_000, true)];
    expect(portToTake(before, 2)).toBe(28_000);
    expect(portToTake([...before, on(2, 28_000, false)], 2)).toBe(28_001);
    expect(portToTake([...before, on(2, 28_000, false), on(2, 28_001, false)], 2)).toBeNull();
  });

  it('is that of what serves, before one that only an earlier revision had', () => {
    expect(portToTake([on(1, 28_000, false), on(2, 28_005, true)], 3)).toBe(28_005);
    expect(portToTake([on(1, 28_000, false)], 3)).toBe(28_000);
    expect(portToTake([], 1)).toBeNull();
    expect(portToTake([on(1, 0, true)], 2)).toBeNull();
  });
});

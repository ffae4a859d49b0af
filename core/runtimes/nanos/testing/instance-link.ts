/** An instance that a test plays: it prints any text on its serial port, and ends on request. */
import type { InstanceLink } from '#core/runtime/session.ts';
import { hostNs } from '#shared/model/units.ts';
import { type SessionInfo, writeSessionInfo } from '../session/session-info.ts';

export interface PlayedInstance {
  readonly link: InstanceLink;
  /** Prints this on the serial port. */
  readonly say: (text: string | Uint8Array, atNs?: number) => void;
  readonly end: () => void;
  /** The number of listeners on the serial port. */
  readonly listeners: () => number;
}

/** Plays an instance. Default: a function's, started just now, on a port of this machine. */
export function playInstance(info: Partial<SessionInfo>, { fresh = true } = {}): PlayedInstance {
  const listeners = new Set<Parameters<InstanceLink['onSerial']>[0]>();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const whole: SessionInfo = {
    kind: 'function',
    host: '127.0.0.1',
    port: 0,
    boot: 'disk',
    disk: null,
    symbols: null,
    ...info,
  };
  return {
    link: {
      sessionInfo: writeSessionInfo(whole),
      fresh,
      openChannel: () => Promise.reject(new Error('Nanos has no channel.')),
      onSerial: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      ended,
    },
    say: (text, atNs = Number(process.hrtime.bigint())) => {
      for (const listener of listeners) listener(Buffer.from(text), hostNs(atNs));
    },
    end: () => end(),
    listeners: () => listeners.size,
  };
}

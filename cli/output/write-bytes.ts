import type { ChunkListener } from '#shared/contract/client.ts';
import type { Session } from '../session.ts';

/**
 * A listener that writes a stream's bytes to stdout no faster than stdout accepts them.
 *
 * Shape: with `--json`, a line per chunk: `{text}` where it is UTF-8, else `{base64}`.
 */
export function createByteWriter(
  session: Pick<Session, 'io' | 'json' | 'signal' | 'style'>,
  shown: 'raw' | 'foreign',
): ChunkListener {
  const { stdout } = session.io;
  const strict = new TextDecoder('utf-8', { fatal: true });
  const lenient = new TextDecoder('utf-8');
  let drained: Promise<void> | null = null;
  const toJson = (chunk: Uint8Array) => {
    try {
      return { text: strict.decode(chunk) };
    } catch {
      // Not text, or a character cut in two: the bytes are written as they are.
      return { base64: Buffer.from(chunk).toString('base64') };
    }
  };
  return (chunk) => {
    const out = session.json
      ? `${JSON.stringify(toJson(chunk))}\n`
      : shown === 'foreign' && stdout.isTTY
        ? session.style.foreign(lenient.decode(chunk, { stream: true }).replaceAll('\r\n', '\n'))
        : chunk;
    if (stdout.write(out) || session.signal.aborted) return;
    return untilDrained();
  };

  function untilDrained(): Promise<void> {
    // All blocked chunks share one wait: several are in flight at a time.
    drained ??= new Promise<void>((resolve) => {
      const goOn = () => {
        stdout.off('drain', goOn);
        stdout.off('close', goOn);
        session.signal.removeEventListener('abort', goOn);
        drained = null;
        resolve();
      };
      stdout.on('drain', goOn);
      stdout.on('close', goOn);
      session.signal.addEventListener('abort', goOn);
    });
    return drained;
  }
}

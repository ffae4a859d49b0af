import { type ConsoleStream, createStreamReader } from '#shared/console-streams.ts';
import type { ChunkListener } from '#shared/contract/client.ts';
import type { Session } from '../session.ts';

/**
 * A listener that writes a stream's bytes to stdout no faster than stdout accepts them.
 *
 * Shape: with `--json`, a line per chunk: `{text}` where it is UTF-8, else `{base64}`; with `stream` where it is stderr.
 * `foreign` is text from a guest; `console` is a guest's console, whose stderr is red on a terminal.
 */
export function createByteWriter(
  session: Pick<Session, 'io' | 'json' | 'signal' | 'style'>,
  shown: 'raw' | 'foreign' | 'console',
): ChunkListener {
  const { stdout } = session.io;
  const strict = new TextDecoder('utf-8', { fatal: true });
  const lenient = new TextDecoder('utf-8');
  let drained: Promise<void> | null = null;
  const reader = shown === 'console' ? createStreamReader() : null;
  const toJson = (chunk: Uint8Array) => {
    try {
      return { text: strict.decode(chunk) };
    } catch {
      // Not text, or a character cut in two: the bytes are written as they are.
      return { base64: Buffer.from(chunk).toString('base64') };
    }
  };
  function toOutput(bytes: Uint8Array, stream: ConsoleStream): string | Uint8Array {
    if (session.json) {
      return `${JSON.stringify({ ...toJson(bytes), ...(stream === 'stderr' ? { stream } : {}) })}\n`;
    }
    if (shown === 'raw' || !stdout.isTTY) return bytes;
    const text = session.style.foreign(lenient.decode(bytes, { stream: true }).replaceAll('\r\n', '\n'));
    return stream === 'stderr' ? session.style.red(text) : text;
  }

  return (chunk) => {
    let hasRoom = true;
    for (const { bytes, stream } of reader?.push(chunk) ?? [{ bytes: chunk, stream: 'stdout' as const }]) {
      hasRoom = stdout.write(toOutput(bytes, stream));
    }
    if (hasRoom || session.signal.aborted) return;
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

/** Takes lines out of bytes as they come, on both ends of the protocol of `wire.ts`. */

/** Takes in a chunk, and calls back with each line that it ends. Errors: throws for a line longer than the limit. */
export type LineReader = (chunk: Buffer) => void;

/** A body of 16 MiB in base64 and JSON, and room to spare. */
const maxLineBytes = 64 * 1024 * 1024;

/** Shape: `onLine` gets each line without its end. A long line is joined once, when it is complete. */
export function createLineReader(onLine: (line: string) => void): LineReader {
  let parts: Buffer[] = [];
  let held = 0;
  const hold = (part: Buffer) => {
    held += part.length;
    if (held > maxLineBytes) throw new Error(`a line of more than ${maxLineBytes} bytes`);
    parts.push(part);
  };
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      hold(chunk.subarray(from, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      held = 0;
      from = end + 1;
      onLine(line);
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  };
}

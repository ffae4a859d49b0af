/** The beginnings of an Ember guest's last report: its own panic, a processor exception, or a trap of the engine with its registers (older kernels: its calls). */
const panicLine = /^ember: (?:panic: )?(.+)$/gm;
const trapLines = ['  rip ', 'calls (from the stack'];
const exceptionLine = /\(vector \d+, error 0x[0-9a-f]+\)$/;

/**
 * The panic on an Ember console; null when there is none.
 *
 * Shape: `message` is one line; `report` is everything from there to the end of the console.
 */
export function readEmberPanic(consoleText: string): { readonly message: string; readonly report: string } | null {
  // A serial console ends its lines with CR LF, as terminals require.
  const text = consoleText.replaceAll('\r\n', '\n');
  let last: RegExpExecArray | null = null;
  for (const match of text.matchAll(panicLine)) {
    const [line, what = ''] = match;
    const isTrap = trapLines.some((begin) => text.startsWith(begin, match.index + line.length + 1));
    if (line.startsWith('ember: panic: ') || exceptionLine.test(what) || isTrap) last = match;
  }
  if (last === null) return null;
  return { message: last[1] ?? '', report: text.slice(last.index).trimEnd() };
}

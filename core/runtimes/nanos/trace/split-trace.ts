/** Separates the output of the kernel's diagnostics from that of the program: both use the one serial port. */
import type { ConsolePart, ConsoleSplitter } from '#core/runtime/console.ts';
import { readyMarker } from '../session/wire.ts';

type Part = Extract<ConsolePart, 'program' | 'trace'>;

/**
 * The form of a line of diagnostics. Source: seen on nanovms/nanos at b9c3671d, and its `klib/strace.c`,
 * `src/unix/syscall.c` (missing files) and the `tprintf` calls of `src/unix`.
 *
 * A system call: `[2] brk(0x0) = 0x502000`, or its second half: `[2] <... read resumed> …`. The kernel's trace: the
 * thread's number, right-aligned to five places, and its action: `    2 page fault, vaddr 0x4014f0, …`.
 */
const callLine = /^\[\d+\] (?:[a-z_][a-z0-9_]*\(|<\.\.\. )/;
const traceLine = /^[ \d]{4}\d (?:run thread|page fault|[a-z_ ]+: |tid |syscall)/;
const missingBegin = 'missing_files_begin';
const missingEnd = 'missing_files_end';
/** A line with this beginning may still become one of the above; any other is passed on at once, including a prompt. */
const mayBe = /^(?:\[\d*\]?|\[\d+\] [a-z_<. ]?[a-z0-9_. ]*|[ \d]{1,5}|[ \d]{4}\d [a-z_ ]*|m[a-z_]*)$/;
/** The longest line that is kept back before it is classified. */
const heldBytes = 64;

/** A splitter that gives one of the parts. */
export function createTraceSplitter(wanted: Part): ConsoleSplitter {
  let line: number[] = [];
  /** The part that the line belongs to, once that is known. */
  let part: Part | null = null;
  let inMissing = false;
  const decoder = new TextDecoder('latin1');

  function decide(isWhole: boolean): void {
    const text = decoder.decode(Uint8Array.from(line)).replace(/\r$/, '');
    // The whole line is needed to see the list's end.
    if (inMissing && !isWhole) return;
    if (inMissing || callLine.test(text) || traceLine.test(text)) part = 'trace';
    else if (isWhole && text === missingBegin) part = 'trace';
    else if (isWhole || line.length > heldBytes || !(mayBe.test(text) || readyMarker.startsWith(text)))
      part = 'program';
    if (isWhole && text === missingBegin) inMissing = true;
    if (isWhole && text === missingEnd) inMissing = false;
  }

  return {
    push(chunk) {
      const out: number[] = [];
      for (const byte of chunk) {
        const ends = byte === 10;
        if (part === null) {
          if (ends) decide(true);
          else {
            line.push(byte);
            if (isSign(line)) {
              // It is invisible and ends no line, but the next output still begins one.
              if (wanted === 'program') out.push(...line);
              line = [];
              continue;
            }
            decide(false);
          }
          if (part === null) continue;
          if (part === wanted) out.push(...line);
          // The deciding bytes were the line's end, or are among those just passed on.
          if (ends && part === wanted) out.push(byte);
        } else if (part === wanted) out.push(byte);
        if (!ends) continue;
        line = [];
        part = null;
      }
      return Uint8Array.from(out);
    },
    end() {
      if (part !== null || line.length === 0) return new Uint8Array();
      decide(true);
      const rest = part === wanted ? Uint8Array.from(line) : new Uint8Array();
      line = [];
      part = null;
      return rest;
    },
  };
}

const signBytes = [...readyMarker].map((char) => char.charCodeAt(0));
const isSign = (line: readonly number[]): boolean =>
  line.length === signBytes.length && signBytes.every((byte, index) => line[index] === byte);

/** The wanted part of the output. */
export function partOf(printed: Uint8Array, wanted: Part): Buffer {
  const splitter = createTraceSplitter(wanted);
  return Buffer.concat([splitter.push(printed), splitter.end()]);
}

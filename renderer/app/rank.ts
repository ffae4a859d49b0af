import type { Command } from '../bind/command.ts';

/** The commands that contain the letters of a query in order, best first; unavailable commands come last. */
export function rankCommands(commands: readonly Command[], query: string): readonly Command[] {
  const wanted = query.trim().toLowerCase();
  return commands
    .map((command, index) => ({
      command,
      index,
      score: score(`${command.title} ${command.group}`.toLowerCase(), wanted),
    }))
    .filter((entry) => entry.score !== null)
    .sort(
      (a, b) =>
        Number(a.command.disabled ?? false) - Number(b.command.disabled ?? false) ||
        (b.score ?? 0) - (a.score ?? 0) ||
        a.index - b.index,
    )
    .map((entry) => entry.command);
}

/** Null when a letter is missing. Whole words and letters at a word's start count most. */
function score(text: string, wanted: string): number | null {
  if (wanted === '') return 0;
  const whole = text.indexOf(wanted);
  if (whole >= 0) return 100 - whole + (whole === 0 || text[whole - 1] === ' ' ? 100 : 0);
  let total = 0;
  let at = -1;
  for (const letter of wanted) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return null;
    total += next === at + 1 ? 3 : text[next - 1] === ' ' ? 2 : 0;
    at = next;
  }
  return total;
}

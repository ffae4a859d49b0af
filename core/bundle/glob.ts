/** Patterns for paths, matched without trying all combinations: hostile ones take time in proportion too. */

/** True when a path matches a pattern: `*` and `?` within a name, `**` for folders, also for none. */
export function isGlobOf(pattern: string, path: string): boolean {
  return matches(pattern.split('/'), path.split('/'), '**', isNameOf);
}

const isNameOf = (pattern: string, name: string): boolean =>
  matches([...pattern], [...name], '*', (expected, char) => expected === '?' || expected === char);

/**
 * True when the parts fit in order; `any` stands for any number of them. What an earlier `any` took is final: if the rest
 * fits at all, it fits also after the shortest.
 */
function matches(
  pattern: readonly string[],
  parts: readonly string[],
  any: string,
  fits: (expected: string, part: string) => boolean,
): boolean {
  let [at, next] = [0, 0];
  /** The last `any`, and where the parts after it begin. */
  let [star, after] = [-1, 0];
  while (next < parts.length) {
    const [expected, part] = [pattern[at], parts[next]];
    if (expected === any) [star, after, at] = [at, next, at + 1];
    else if (expected !== undefined && part !== undefined && fits(expected, part)) [at, next] = [at + 1, next + 1];
    else if (star === -1) return false;
    else {
      after += 1;
      [at, next] = [star + 1, after];
    }
  }
  return pattern.slice(at).every((rest) => rest === any);
}

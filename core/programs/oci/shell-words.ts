/**
 * The words of a shell command that only starts one program, so that no shell is needed; null for any other.
 *
 * Shape: `exec` at its start is dropped. Quotes are taken off; any shell expansion makes it null.
 */
export function plainWords(command: string): string[] | null {
  const words: string[] = [];
  const pattern = /\s*(?:'([^']*)'|"([^"$`\\!]*)"|([^\s'"$`\\;&|<>(){}*?[\]#~!]+))(?=\s|$)/y;
  const text = command.trim();
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return null;
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  if (words[0] === 'exec') words.shift();
  const [program] = words;
  return program === undefined || program.includes('=') || builtins.has(program) ? null : words;
}

/** Words that a shell handles itself, or that make the rest more than a plain command. */
const builtins = new Set(
  '. : alias break case cd command continue do done elif else esac eval exit export fi for getopts if local read readonly return set shift source test then trap ulimit umask unset until while'.split(
    ' ',
  ),
);

/** Programs that start another and wait for it, with their options that take a word. */
const inits: Readonly<Record<string, readonly string[]>> = {
  tini: ['-p', '-e'],
  'tini-static': ['-p', '-e'],
  'docker-init': ['-p', '-e'],
  'dumb-init': ['-r', '--rewrite'],
  catatonit: [],
};

/** The number of a command's first words that are an init with its options, and the init's name; 0 and null without one. */
export function splitInit(command: readonly string[]): { readonly words: number; readonly name: string | null } {
  const [first = ''] = command;
  const withWord = inits[first.slice(first.lastIndexOf('/') + 1)];
  if (withWord === undefined) return { words: 0, name: null };
  let at = 1;
  while (command[at]?.startsWith('-') && command[at] !== '--') at += withWord.includes(command[at] ?? '') ? 2 : 1;
  if (command[at] === '--') at++;
  // An init without a command after it is kept.
  return at < command.length ? { words: at, name: first } : { words: 0, name: null };
}

import { createFileTree } from '../index.ts';
import type { FuzzTarget } from './run-fuzz.ts';

const encode = (text: string) => new TextEncoder().encode(text);

/** The paths of a tree, a line each: `f` a file, `d` a directory, `l` a link, `-` removed again. */
const fileTrees: FuzzTarget = {
  name: 'paths of file trees',
  corpus: () => [
    encode('d /etc\nf /etc/hosts\nl /lib\nf /usr/../bin/app\n- /etc/hosts\nf /etc/hosts'),
    encode(`f /a//b/./c\nd ${'/deep'.repeat(30)}\nf /${'n'.repeat(255)}\nl /a/link`),
  ],
  parse: (input) => {
    const tree = createFileTree();
    for (const line of new TextDecoder().decode(input).split('\n')) {
      const path = line.slice(2);
      if (line.startsWith('-')) tree.remove(path);
      else if (line.startsWith('d')) tree.add(path, { kind: 'directory' });
      else if (line.startsWith('l')) tree.add(path, { kind: 'symlink', target: path });
      else tree.add(path, { kind: 'file', content: { kind: 'bytes', data: input }, bytes: input.length });
    }
    // The writer of a tree uses these paths unchanged.
    for (const path of tree.tree.keys()) {
      if (!path.startsWith('/') || path.split('/').includes('..')) throw new Error(`${path} is in the tree`);
    }
  },
};

export const fuzzTargets: readonly FuzzTarget[] = [fileTrees];

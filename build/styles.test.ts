import { describe, expect, it } from 'vitest';
import { checkStyles, globalSheets, readModule, readStyleSources } from './styles.mjs';

const base = {
  [globalSheets[0] as string]: '.mono { color: red; }',
  [globalSheets[1] as string]: ':root { --fg: black; }',
};
const list = 'renderer/features/runs/run-list.tsx';
const sheet = 'renderer/features/runs/run-list.module.css';

describe('checkStyles', () => {
  it('accepts a module beside the file that uses all of it, and the global vocabulary', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source.
    const text = "import styles from './run-list.module.css';\nconst a = <p className={`mono ${styles.row}`} />;\n";
    expect(checkStyles({ ...base, [sheet]: '.row { margin: 0; }', [list]: text })).toEqual([]);
  });

  it.each([
    ['a global class', { 'renderer/features/runs/runs.css': '.row {}' }, /runs\.css has global class names/],
    ['a class that nothing uses', { [sheet]: '.row {}' }, /nothing uses \.row/],
    ['a class written out', { [list]: '<p className="row mono" />' }, /uses the class 'row'/],
    ['a class chosen as text', { [list]: "<p className={wrong ? 'row' : undefined} />" }, /uses the class 'row'/],
    ['a global class in a module', { [sheet]: ':global(.row) {}' }, /:global\(\.row\) is the class of nobody/],
    [
      'the styles of another feature',
      { [sheet]: '.row {}', 'renderer/features/images/a.tsx': "import s from '../runs/run-list.module.css';\ns.row;" },
      /only renderer\/ui and the own folder/,
    ],
  ])('refuses %s', (_what, files, problem) => {
    expect(checkStyles({ ...base, ...(files as Record<string, string>) })).toEqual([expect.stringMatching(problem)]);
  });

  it('finds the styles of the window in order', () => {
    expect(checkStyles(readStyleSources())).toEqual([]);
  });
});

it('reads the classes of a module, also in at-rules, and leaves out comments', () => {
  const css = '/* .no */\n.a > :global(.mono), .b:hover { top: 0.5px; }\n@media (min-width: 1px) { .c { left: 0; } }';
  expect(readModule(css)).toEqual({ own: ['a', 'b', 'c'], global: ['mono'] });
});

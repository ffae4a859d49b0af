import { describe, expect, it } from 'vitest';
import { judgeTitle } from './commit-titles.mjs';
import { findLongLines, wrapDocument } from './documents.mjs';

const long = 'word '.repeat(40).trim();

describe('documents', () => {
  it('are wrapped at 120 columns, list items with their indent', () => {
    const wrapped = wrapDocument(`# Title\n\n${long}\n\n- ${long}\n  more\n1. ${long}\n`);
    expect(wrapped.split('\n').every((line) => line.length <= 120)).toBe(true);
    expect(wrapped).toContain('\n- word');
    expect(wrapped).toMatch(/\n {2}word.* more\n1\. word/);
    expect(wrapped.replace(/\s+/g, ' ')).toBe(`# Title ${long} - ${long} more 1. ${long} `);
    expect(wrapDocument(wrapped)).toBe(wrapped);
  });

  it('keep tables, code, headings, quotes and short paragraphs as they are', () => {
    const text = `| ${long} |\n\n\`\`\`sh\n${long}\n\`\`\`\n\n# ${long}\n\nshort\nlines\n`;
    expect(wrapDocument(text)).toBe(text);
    expect(findLongLines(text)).toEqual([]);
  });

  it('never begin a wrapped line with what would be a list', () => {
    const text = `${'x'.repeat(117)} - y z`;
    expect(wrapDocument(text)).toBe(`${'x'.repeat(117)} -\ny z`);
  });

  it('keep code between backticks on one line, and let off what cannot be broken', () => {
    expect(wrapDocument(`${'x'.repeat(100)} \`npm run bench -- first-light\` y`)).toContain(
      '\n`npm run bench -- first-light` y',
    );
    expect(findLongLines('x'.repeat(200))).toEqual([]);
    expect(findLongLines(`short\n\n${long}`)).toEqual([3]);
  });
});

describe('the title of a commit', () => {
  it.each(['core/vmm: Start a machine', 'build, docs: Wrap documents', '.ci: Lint first', 'CHANGELOG: Tidy'])(
    'may be %s',
    (title) => {
      expect(judgeTitle(title)).toBeNull();
    },
  );

  it('says where, in 72 characters', () => {
    expect(judgeTitle('Make it better')).toMatch(/where the change is/);
    expect(judgeTitle('Say this: better')).toMatch(/where the change is/);
    expect(judgeTitle(`core: ${'x'.repeat(67)}`)).toBe('has 73 characters, more than 72');
  });
});

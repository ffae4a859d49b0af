import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readShellCommand } from './shell-command.ts';

const read = (text: string, env: Record<string, string> = {}, positional = ['sh']) =>
  readShellCommand(text, { env, cwd: '/srv', positional });
const wordsOf = (text: string, env?: Record<string, string>, positional?: string[]) =>
  read(text, env, positional)?.words;

describe('a shell command that ends in one program', () => {
  it('is split as a shell would', () => {
    expect(wordsOf(`exec  server 'a  b' "c d" -x=1`)).toEqual(['server', 'a  b', 'c d', '-x=1']);
    expect(wordsOf(`a b\\ c "d\\"e\\n" f'g'"h" '' \\\n i`)).toEqual(['a', 'b c', 'd"e\\n', 'fgh', '', 'i']);
    expect(wordsOf('a http://h/#x --y! # a comment')).toEqual(['a', 'http://h/#x', '--y!']);
    expect(wordsOf('a "b;c && d"')).toEqual(['a', 'b;c && d']);
  });

  it('has its variables filled in', () => {
    const env = { A: '1', EMPTY: '', TWO: 'x y' };
    expect(wordsOf(`p $A \${A}b "$TWO" $NONE "$NONE" \${NONE:-d} "\${EMPTY:-e}" "\${EMPTY-f}"`, env)).toEqual([
      'p',
      '1',
      '1b',
      'x y',
      '',
      'd',
      'e',
      '',
    ]);
    expect(wordsOf("p '$A' \\$A", env)).toEqual(['p', '$A', '$A']);
    expect(wordsOf('p $1 "$@"', {}, ['sh', 'a', 'b c'])).toEqual(['p', 'a', 'a', 'b c']);
    expect(read('p $A $NONE', env)?.filledIn).toEqual(['A', 'NONE']);
  });

  it('has the words of a value, as the options of a Java machine are given', () => {
    const env = { OPTS: ' -Xms1g  -Xmx2g\n', EMPTY: '' };
    expect(wordsOf('java $OPTS -jar a.jar', env)).toEqual(['java', '-Xms1g', '-Xmx2g', '-jar', 'a.jar']);
    expect(wordsOf(`java a\${OPTS}b "$OPTS" $EMPTY $OPTS`, env)).toEqual([
      ...['java', 'a', '-Xms1g', '-Xmx2g', 'b', env.OPTS, '-Xms1g', '-Xmx2g'],
    ]);
    expect(wordsOf(`p $@ "\${@}" x`, {}, ['sh', 'a', 'b c'])).toEqual(['p', 'a', 'b', 'c', 'a', 'b c', 'x']);
    expect(wordsOf('p $* x', {}, ['sh'])).toEqual(['p', 'x']);
  });

  it('has what the commands before it set', () => {
    expect(read('export A=1 B; C=2; cd app && D=$C p $A', { B: 'b' })).toEqual({
      ...{ words: ['p', '1'], env: { A: '1', B: 'b', D: '2' }, cwd: '/srv/app', filledIn: ['C', 'A'] },
    });
    expect(read('A=2; p', { A: '1' })?.env).toEqual({ A: '2' });
    expect(read('set -euo pipefail; umask 022; ulimit -n 9; :; true\nexec p; q')?.words).toEqual(['p']);
  });

  it.each([
    ...['a && b', 'a; b', 'a | b', 'a || b', 'a & b', 'a > b', 'a 2>&1', '`a`', '$(a)', 'a*', 'a ?', '~/a', 'a {b,c}'],
    ...[
      "a 'b",
      'a "b',
      'cd x',
      'cd; a',
      'if a; then b; fi',
      '[ -f a ] && b',
      '! a',
      '( a )',
      'a "$*"',
      'IFS=, && a $TWO',
      'A=$TWO a',
      'export A=$TWO; a',
      `a \${A%b}`,
    ],
    ...[
      '',
      '# only a comment',
      '; a',
      'A=1',
      'exec',
      'exec -a x y',
      'set -- x; a "$@"',
      'A=1 cd x; a',
      'a $STAR',
      '. ./env; a',
    ],
  ])('needs a shell: %s', (text) => expect(read(text, { TWO: 'x y', STAR: 'x *' })).toBeNull());
});

describe('random commands that it reads', () => {
  const tokens = [
    ...[
      'p ',
      'p ',
      'a',
      ' ',
      ' ',
      '"',
      "'",
      '\\',
      '\t',
      '\n',
      ';',
      ' && ',
      '#',
      '$',
      '{',
      '=',
      '!',
      '~',
      '*',
      '-x',
      'set -e',
    ],
    ...[
      'exec ',
      'cd / ',
      'export C=',
      'A=',
      `\${B:-x y}`,
      `\${NONE-z}`,
      '$A',
      '"$TWO"',
      '$TWO',
      '$PAD',
      '"$@"',
      '$@',
      '$*',
      '$1',
    ],
  ];
  let seed = 7;
  const below = (end: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * end);
  };
  const env = { A: '1', B: '', TWO: 'x  y', PAD: ' z ' };
  const positional = ['sh', 'one', 't w'];

  it('start what a real shell starts', () => {
    const dir = mkdtempSync(join(tmpdir(), 'fl-shell-'));
    try {
      const body = '#!/bin/sh\n[ $# -gt 0 ] && printf "%s\\0" "$@"\nprintf "%s\\0" "$PWD" "$A" "$C"\n';
      writeFileSync(join(dir, 'p'), body, { mode: 0o755 });
      for (let seen = 0; seen < 120; ) {
        const text = `p ${Array.from({ length: 1 + below(8) }, () => tokens[below(tokens.length)]).join('')}`.slice(
          below(2) * 2,
        );
        const read = readShellCommand(text, { env, cwd: '/tmp', positional });
        if (read?.words[0] !== 'p') continue;
        seen++;
        const { stdout } = spawnSync('/bin/sh', ['-c', text, ...positional], {
          cwd: '/tmp',
          env: { ...env, PATH: dir },
        });
        const { A, C = '' }: Record<string, string> = { ...env, ...read.env };
        const told = [...read.words.slice(1), read.cwd ?? '/tmp', A, C];
        expect(stdout.toString().split('\0').slice(0, -1), text).toEqual(told);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

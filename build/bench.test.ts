import { describe, expect, it } from 'vitest';
import { readArguments } from './bench.mjs';
import { pickWords } from './setup-tool.mjs';

describe('the arguments of a benchmark run', () => {
  it('are names and a count; no name means all', () => {
    expect(readArguments(['coldstart', '--runs', '20'])).toEqual({ names: ['coldstart'], runs: 20, help: false });
    expect(readArguments([]).names).toEqual(['coldstart', 'rebuild', 'rpc', 'console', 'ui']);
    expect(readArguments(['rpc', 'rpc', 'ui']).names).toEqual(['rpc', 'ui']);
  });

  it.each([[['coldstrat']], [['--runs', 'many']], [['--runs', '0']], [['--fast']]])('refuse %j', (args) => {
    expect(() => readArguments(args)).toThrow();
  });
});

describe('the words of a failed tool', () => {
  it('are its error lines where it marks them', () => {
    expect(pickWords('npm warn old\nnpm error code E404\nnpm error\nnpm error 404 not found\n')).toEqual([
      'npm error code E404',
      'npm error 404 not found',
    ]);
  });

  it('are its last lines otherwise', () => {
    const output = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
    expect(pickWords(output)).toHaveLength(15);
    expect(pickWords(output).at(-1)).toBe('line 29');
  });
});

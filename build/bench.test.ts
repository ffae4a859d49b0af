import { describe, expect, it } from 'vitest';
import { readArguments } from './bench.mjs';

describe('the arguments of a benchmark run', () => {
  it('are names and a count; no name means all', () => {
    expect(readArguments(['coldstart', '--runs', '20'])).toEqual({ names: ['coldstart'], runs: 20, help: false });
    expect(readArguments([]).names).toEqual(
      expect.arrayContaining(['coldstart', 'ember', 'http', 'rebuild', 'image', 'rpc', 'ui']),
    );
    expect(readArguments(['rpc', 'rpc', 'ui']).names).toEqual(['rpc', 'ui']);
  });

  it.each([[['coldstrat']], [['--runs', 'many']], [['--runs', '0']], [['--fast']]])('refuse %j', (args) => {
    expect(() => readArguments(args)).toThrow();
  });
});

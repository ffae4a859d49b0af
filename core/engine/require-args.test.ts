import { expect, it } from 'vitest';
import { requireArgs } from './require-args.ts';

const definitions = [
  { id: 'functions', runsPrograms: false, programKeys: ['args'] },
  { id: 'programs', runsPrograms: true },
  { id: 'bare', runsPrograms: false, programKeys: ['ports'] },
] as const;

it('refuses arguments for a runtime that knows none', () => {
  for (const runtime of ['functions', 'programs']) requireArgs('app', { runtime }, definitions);
  expect(() => requireArgs('app', { runtime: 'bare' }, definitions)).toThrow(
    expect.objectContaining({
      code: 'BAD_INPUT',
      message: 'app cannot be given arguments: the runtime "bare" has none.',
    }),
  );
});

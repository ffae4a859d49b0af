import { expect, it } from 'vitest';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { knownAsks } from './asks.ts';
import { noBuild } from './session.ts';

const key = {
  kind: 'file' as const,
  subject: '/home/ada/key',
  message: 'Takes /home/ada/key into its image ("files").',
};
const project: Project = {
  id: '0123456789ab' as ProjectId,
  dir: '/home/ada/greet',
  name: 'greet',
  config: null,
  problems: [],
  trusted: false,
  asks: [key],
};
const buildsWith = (code: 'PROJECT_NOT_TRUSTED' | 'BUILD_FAILED', problems: readonly Problem[]) => ({
  builds: {
    [project.id]: { ...noBuild, error: new FirstlightError(code, 'no', { details: { problems: [...problems] } }) },
  },
});

it('lists what the configuration asks for, and what a build found, once each', () => {
  const imported: Problem = { severity: 'error', message: 'Imports "../x.ts".', file: 'handler.ts', line: 3 };
  const named: Problem = { severity: 'error', message: key.message, file: 'firstlight.json' };
  expect(knownAsks({ builds: {} }, project)).toEqual([key]);
  expect(knownAsks(buildsWith('PROJECT_NOT_TRUSTED', [named, imported]), project)).toEqual([
    key,
    { kind: 'code', message: 'Imports "../x.ts".', file: 'handler.ts', line: 3 },
  ]);
});

it('takes no other fault of a build for one', () => {
  expect(knownAsks(buildsWith('BUILD_FAILED', [{ severity: 'error', message: 'Syntax' }]), project)).toEqual([key]);
});

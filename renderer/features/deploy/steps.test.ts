import { expect, it } from 'vitest';
import { waitingSteps } from '../../state/deployments.ts';
import { advance, complete, end } from './steps.ts';

const statuses = (steps: typeof waitingSteps) => steps.map(({ status }) => status);

it('takes a step for done when a later one begins, and a report of a build for one of its step', () => {
  let steps = advance(waitingSteps, { step: 'build', message: 'Building' }, 1000);
  steps = advance(steps, { step: 'bundle', message: 'Bundling handler.ts' }, 1100);
  expect(steps[0]).toMatchObject({ status: 'running', message: 'Bundling handler.ts', startedAtMs: 1000 });
  steps = advance(steps, { step: 'push', message: 'Pushing', fraction: 0.5 }, 1500);
  expect(statuses(steps)).toEqual(['done', 'done', 'running', 'waiting', 'waiting', 'waiting']);
  expect(steps[0]?.durationMs).toBe(500);
  expect(steps[2]).toMatchObject({ fraction: 0.5 });
  expect(statuses(advance(steps, { step: 'build', message: 'late' }, 1600))).toEqual(statuses(steps));
});

it('says in which step a deploy ended', () => {
  const steps = advance(waitingSteps, { step: 'image', message: 'Packing' }, 1000);
  expect(statuses(end(steps, 'cancelled', 1200))).toEqual([
    'done',
    'cancelled',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
  ]);
  expect(end(steps, 'failed', 1200)[1]).toMatchObject({ status: 'failed', durationMs: 200 });
});

it('shows the figures of the engine once it is over', () => {
  const done = complete(waitingSteps, {
    target: 'home',
    namespace: 'default',
    name: 'hello',
    image: 'r/hello@sha256:0',
    revision: 1,
    pushedBytes: 0,
    answer: null,
    steps: [{ name: 'push', durationMs: 12.5, detail: 'all of it was there' }],
  });
  expect(done[2]).toMatchObject({ status: 'done', durationMs: 12.5, message: 'all of it was there' });
  expect(done[4]?.status).toBe('waiting');
});

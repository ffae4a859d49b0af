import { expect, it } from 'vitest';
import type { CallContext } from '#shared/contract/index.ts';
import { createDeferred } from '#shared/deferred.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { type BuildCallsOptions, buildCalls } from './build-calls.ts';

const projectId = '0123456789ab' as ProjectId;
const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };

it('announces the project for which an instance is made, and that it no longer is, also after a failure', async () => {
  const building = createDeferred<never>();
  const preparing = new Set<ProjectId>();
  const announced: (readonly ProjectId[])[] = [];
  const parts: Partial<BuildCallsOptions> = {
    images: { build: () => building.promise } as never,
    projects: { get: async () => ({ id: projectId }) } as never,
    emit: () => undefined,
    log: () => undefined,
    preparing,
    onPreparing: () => void announced.push([...preparing]),
  };
  const { calls } = buildCalls(parts as BuildCallsOptions);
  const one = calls['builds:prestart']({ projectId, startMode: 'prestarted' }, context);
  const two = calls['builds:prestart']({ projectId, startMode: 'prestarted' }, context);
  const ends = Promise.allSettled([one, two]);
  await expect.poll(() => announced).toEqual([[projectId]]);
  building.reject(new Error('it does not compile'));
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(announced).toEqual([[projectId], []]);
});

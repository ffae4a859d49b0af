import { afterEach, expect, it } from 'vitest';
import { type FakeStudio, openFakeStudio, settled } from '../../../test/fixtures/fake-studio.ts';
import { currentProject } from '../../state/context.ts';

let fake: FakeStudio;
afterEach(() => fake.close());
const importing = () => fake.studio.transient.getState().importing;

it('looks at a source, makes the project that was proposed, and opens it', async () => {
  fake = await openFakeStudio({ releases: ['0.1.54'] });
  const { studio, engine } = fake;
  studio.imports.begin();
  expect(studio.transient.getState().dialog?.kind).toBe('import');
  await studio.imports.examine('/srv/bin/server');
  expect(importing()).toMatchObject({ stage: 'proposed', proposal: { name: 'server', kind: 'elf' } });
  await studio.imports.create({ name: 'mine', dir: null });
  expect(importing()).toBeNull();
  expect(studio.transient.getState().dialog).toBeNull();
  expect(currentProject(studio)).toMatchObject({ dir: '/home/ada/firstlight/mine', config: { runtime: 'nanos' } });
  expect(engine.read('server', 'firstlight.json')).toContain('"runtime": "nanos"');
});

it('keeps the source when it cannot be read, and the proposal when the project cannot be made', async () => {
  fake = await openFakeStudio();
  const { studio } = fake;
  studio.imports.begin();
  await studio.imports.examine('/srv/missing');
  expect(importing()).toMatchObject({ stage: 'asking', source: '/srv/missing', error: { code: 'NOT_FOUND' } });
  await studio.imports.examine('/srv/bin/shell');
  expect(importing()).toMatchObject({ stage: 'proposed', error: null, proposal: { canCreate: false } });
  await studio.imports.create({ name: 'x', dir: null });
  expect(importing()).toMatchObject({ stage: 'proposed', error: { code: 'BAD_INPUT' } });
});

it('shows how far it is; a cancelled look leads back to the source, a closed one to nothing', async () => {
  fake = await openFakeStudio();
  const { studio, engine } = fake;
  engine.faults.examineMs = 60_000;
  studio.imports.begin();
  const look = studio.imports.examine('oci:/srv/layout');
  await settled(() => importing()?.message === 'Fetching layer 1 of 3');
  studio.imports.cancel();
  expect(importing()?.cancelling).toBe(true);
  await look;
  expect(importing()).toMatchObject({ stage: 'asking', source: 'oci:/srv/layout', error: null });
  const again = studio.imports.examine('oci:/srv/layout');
  studio.imports.close();
  await again;
  expect(importing()).toBeNull();
});

it('leads to the releases when the new project needs one', async () => {
  fake = await openFakeStudio();
  const { studio } = fake;
  await studio.imports.examine('/srv/bin/server');
  await studio.imports.create({ name: 'server', dir: null });
  expect(studio.transient.getState().center).toBe('releases');
});

import { afterEach, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { type FakeStudio, openFakeStudio, settled } from '../../../test/fixtures/fake-studio.ts';
import { runtimeOf } from '../../state/function-config.ts';
import { docKey } from '../../state/session.ts';

let fake: FakeStudio;
afterEach(() => fake.close());

const install = () => fake.studio.transient.getState().kernelInstall;
const releases = () => fake.studio.session.getState().kernels.nanos?.value?.releases.map((entry) => entry.version);

it('shows the words about published releases once, and installs when they are accepted', async () => {
  fake = await openFakeStudio();
  const { studio } = fake;
  await studio.kernels.install('nanos', { kind: 'official', version: 'latest' });
  expect(install()?.stage).toBe('notice');
  studio.kernels.cancel();
  expect(install()).toBeNull();
  await studio.kernels.install('nanos', { kind: 'official', version: 'latest' });
  await studio.kernels.accept();
  expect(releases()).toEqual(['0.1.54']);
  await studio.kernels.install('nanos', { kind: 'official', version: '0.1.53' });
  expect(releases()).toEqual(['0.1.54', '0.1.53']);
});

it('reports how far it is, and ends when a person cancels', async () => {
  fake = await openFakeStudio({ releases: ['0.1.53'] });
  const { studio } = fake;
  const done = studio.kernels.install('nanos', { kind: 'official', version: 'latest' });
  await settled(() => (install()?.fraction ?? 0) > 0.2);
  expect(install()?.message).toBe('Downloading Nanos 0.1.54');
  studio.kernels.cancel();
  expect(install()?.cancelling).toBe(true);
  await done;
  expect(install()).toBeNull();
  expect(releases()).toEqual(['0.1.53']);
});

it('keeps what failed with its source, so that it can be tried again', async () => {
  fake = await openFakeStudio({ releases: ['0.1.53'] });
  const { studio, engine } = fake;
  engine.faults.installError = new FirstlightError('DOWNLOAD_FAILED', 'The release cannot be downloaded.');
  await studio.kernels.install('nanos', { kind: 'official', version: 'latest' });
  expect(install()).toMatchObject({ stage: 'failed', error: { code: 'DOWNLOAD_FAILED' } });
  engine.faults.installError = null;
  const source = install()?.source;
  if (source !== undefined) await studio.kernels.install('nanos', source);
  expect(install()).toBeNull();
  expect(releases()).toContain('0.1.54');
});

it('removes a release only when that is confirmed', async () => {
  fake = await openFakeStudio({ releases: ['0.1.54', '0.1.53'] });
  const { studio } = fake;
  const first = studio.session.getState().kernels.nanos?.value?.releases[0];
  if (first === undefined) throw new Error('There are two.');
  studio.kernels.remove('nanos', first);
  const { dialog } = studio.transient.getState();
  expect(releases()).toHaveLength(2);
  if (dialog?.kind !== 'confirm') throw new Error('It asks.');
  expect(dialog.message).toContain('in use');
  dialog.onConfirm();
  await settled(() => releases()?.length === 1);
});

it('writes the runtime into firstlight.json and builds, or leads to the releases while there is none', async () => {
  fake = await openFakeStudio();
  const { studio, engine, projectId } = fake;
  await studio.config.chooseRuntime(projectId, 'nanos');
  expect(engine.read('hello', 'firstlight.json')).toContain('"runtime": "nanos"');
  expect(studio.transient.getState().center).toBe('releases');
  await studio.kernels.install('nanos', { kind: 'local', from: '/home/ada/nanos', as: null });
  await settled(() => studio.session.getState().builds[projectId]?.result?.image.runtime === 'nanos');
  await studio.config.chooseRuntime(projectId, 'ember');
  expect(studio.session.getState().builds[projectId]?.result?.image.runtime).toBe('ember');
});

it('takes out a memory that was only the usual one of the runtime before, and keeps any other', async () => {
  fake = await openFakeStudio({ releases: ['0.1.54'] });
  const { studio, engine, projectId } = fake;
  expect(engine.read('hello', 'firstlight.json')).toContain('"memoryMiB": 64');
  await studio.config.chooseRuntime(projectId, 'nanos');
  expect(engine.read('hello', 'firstlight.json')).not.toContain('memoryMiB');
  studio.config.set(projectId, ['memoryMiB'], 512);
  await studio.config.chooseRuntime(projectId, 'ember');
  expect(engine.read('hello', 'firstlight.json')).toContain('"memoryMiB": 512');
});

it('shows a firstlight.json that cannot be read instead of writing into it', async () => {
  fake = await openFakeStudio({ releases: ['0.1.54'] });
  const { studio, engine, projectId } = fake;
  await studio.config.load(projectId);
  const key = docKey(projectId, 'firstlight.json');
  studio.docs.edit(key, '{ "name": ');
  await studio.config.chooseRuntime(projectId, 'nanos');
  expect(engine.read('hello', 'firstlight.json')).not.toContain('nanos');
  expect(studio.saved.getState().tabs[projectId]?.active).toBe('firstlight.json');
});

it('takes the runtime that is being typed for the one that will run', async () => {
  fake = await openFakeStudio();
  const { studio, projectId } = fake;
  await studio.config.load(projectId);
  const key = docKey(projectId, 'firstlight.json');
  const project = studio.session.getState().projects.value?.find((entry) => entry.id === projectId);
  if (project === undefined) throw new Error('It is open.');
  studio.config.set(projectId, ['runtime'], 'nanos');
  expect(runtimeOf(project, studio.session.getState().docs[key])).toBe('nanos');
  studio.docs.edit(key, '{ broken');
  expect(runtimeOf(project, studio.session.getState().docs[key])).toBe('ember');
});

import { afterEach, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { type FakeStudio, openFakeStudio, settled } from '../../../test/fixtures/fake-studio.ts';

let fake: FakeStudio;
afterEach(() => fake.close());
const shown = () => fake.studio.session.getState().inspected;

it('looks into what the next run boots: a kernel has sections and no tree', async () => {
  fake = await openFakeStudio();
  const { studio, projectId } = fake;
  await settled(() => studio.session.getState().builds[projectId]?.result != null);
  await studio.images.inspectBuilt();
  expect(studio.transient.getState().center).toBe('image');
  expect(shown()?.info.value?.sections.length).toBeGreaterThan(0);
  expect(shown()?.tree.status).toBe('idle');
});

it('reads the tree of a file system, and a file of it', async () => {
  fake = await openFakeStudio();
  const { studio } = fake;
  await studio.images.load();
  const web = studio.session.getState().images.value?.find((image) => image.functionName === 'web');
  await studio.images.inspect({ imageId: web?.id ?? '' });
  expect(shown()?.tree.value?.entries.length).toBeGreaterThan(10);
  await studio.images.read('/etc/passwd');
  expect(shown()?.text.value?.text).toBe('This is /etc/passwd.\n');
  await studio.images.read('/nowhere');
  expect(shown()?.text.error?.code).toBe('NOT_FOUND');
  await studio.images.read(null);
  expect(shown()).toMatchObject({ path: null, text: { status: 'idle' } });
});

it('keeps to the image that was chosen last, also when an earlier one answers later', async () => {
  fake = await openFakeStudio();
  const { studio } = fake;
  await studio.images.load();
  const [first, last] = studio.session.getState().images.value ?? [];
  const slow = studio.images.inspect({ imageId: last?.id ?? '' });
  const quick = studio.images.inspect({ imageId: first?.id ?? '' });
  await Promise.all([slow, quick]);
  expect(shown()?.image).toEqual({ imageId: first?.id });
  expect(shown()?.info.value?.path).toBe(first?.path);
});

it('says why an image cannot be read', async () => {
  fake = await openFakeStudio();
  const { studio, engine } = fake;
  await studio.images.inspect({ path: '/nowhere.img' });
  expect(shown()?.info.error?.code).toBe('NOT_FOUND');
  engine.faults.imageError = new FirstlightError('IMAGE_INVALID', 'This is not an image.');
  await studio.images.inspect({ path: '/etc/passwd' });
  expect(shown()?.info.error?.code).toBe('IMAGE_INVALID');
});

it('reads the list again after a build, once it was looked at', async () => {
  fake = await openFakeStudio();
  const { studio, projectId, engine } = fake;
  await settled(() => studio.session.getState().builds[projectId]?.result != null);
  await studio.images.load();
  const before = studio.session.getState().images.value?.length ?? 0;
  engine.writeOutside('hello', 'handler.ts', 'export default () => 1;\n');
  await studio.builds.build(projectId);
  const listed = () => studio.session.getState().images.value?.length;
  await settled(() => listed() === before + 1);
  expect(listed()).toBe(before + 1);
});

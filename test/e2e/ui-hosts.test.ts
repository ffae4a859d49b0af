import { expect, it } from 'vitest';
import { setUpStudio } from './ui-harness.ts';

const openStudio = setUpStudio();

it('shows the host of each instance once there are two, and why one is lost', async () => {
  const { page, engine } = await openStudio();
  const instances = page.getByRole('list', { name: 'Instances' });
  await instances.getByRole('button').first().waitFor();
  expect(await instances.getByText('local', { exact: true }).count()).toBe(0);

  const context = { signal: new AbortController().signal, progress: () => undefined };
  await engine.calls['hosts:add']({ name: 'lab', uri: 'qemu+unix:///system?socket=/absent' }, context);
  await instances.getByText('local', { exact: true }).waitFor();
  await page
    .getByRole('status')
    .getByText(/^Host lab is lost\. .*nobody listens there/)
    .waitFor();

  await page.reload();
  await instances.getByText('local', { exact: true }).waitFor();
  await engine.calls['hosts:remove']({ name: 'lab' }, context);
  await instances.getByText('local', { exact: true }).waitFor({ state: 'detached' });
  expect(await page.getByText('Host lab').count()).toBe(0);
});

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

it('runs a function on the host that was chosen for it, and says why one is lost', async () => {
  const { page, engine } = await openStudio();
  const bar = page.getByRole('banner');
  const picker = bar.getByRole('button', { name: /^Host, / });
  await bar.getByText('200 OK').waitFor();
  expect(await picker.count()).toBe(0);

  const context = { signal: new AbortController().signal, progress: () => undefined };
  await engine.calls['hosts:add']({ name: 'lab', uri: 'qemu+ssh://lab/system' }, context);
  await engine.calls['hosts:add']({ name: 'attic', uri: 'qemu+unix:///system?socket=/absent' }, context);
  await picker.click();
  await page.getByRole('menuitemradio', { name: /^lab/ }).click();
  expect(await picker.getAttribute('aria-label')).toBe('Host, lab');
  await page.keyboard.press('Control+Enter');
  const instances = page.getByRole('list', { name: 'Instances' });
  await instances.getByText('lab', { exact: true }).waitFor();

  // Another function has its own choice, and a reload forgets none.
  await page.reload();
  await bar.getByRole('button', { name: 'Host, lab' }).waitFor();
  await bar.getByRole('button', { name: 'Function' }).click();
  await page.getByRole('menuitemradio').nth(1).click();
  await bar.getByRole('button', { name: 'Host, local' }).waitFor();

  await page.keyboard.press('Control+k');
  await page.keyboard.insertText('Run on host: attic');
  await page.keyboard.press('Enter');
  await bar.getByRole('button', { name: 'Host, attic' }).getByText(', lost').waitFor();
  await picker.click();
  await page.getByRole('menuitemradio', { name: /attic.*Lost\. Could not connect.*nobody listens/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  await bar.getByText(/nobody listens there/).waitFor();
  if (process.env.FIRSTLIGHT_SHOTS) {
    await picker.click();
    await page.screenshot({ path: `${process.env.FIRSTLIGHT_SHOTS}/hosts-1280.png` });
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 1024, height: 640 });
    await page.screenshot({ path: `${process.env.FIRSTLIGHT_SHOTS}/hosts-1024.png` });
  }

  await engine.calls['hosts:remove']({ name: 'attic' }, context);
  await bar.getByRole('button', { name: 'Host, local' }).waitFor();
});

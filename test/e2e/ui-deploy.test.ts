import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { setUpStudio } from './ui-harness.ts';

const openStudio = setUpStudio();

async function addTarget(page: Page, name = 'home'): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Add a cluster' });
  await dialog.getByLabel('Name', { exact: false }).first().fill(name);
  await dialog.getByLabel('Registry for images').fill('https://registry.example/team/');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.waitFor({ state: 'detached' });
}
const chooseInMenu = async (page: Page, item: RegExp) => {
  await page.getByRole('button', { name: 'Where to deploy' }).click();
  await page.getByRole('menuitem', { name: item }).click();
};

it('adds a cluster by a RuntimeClass with Knative, and offers no Knative to KubeVirt', async () => {
  const { page, engine } = await openStudio();
  await chooseInMenu(page, /Add a cluster/);
  const dialog = page.getByRole('dialog', { name: 'Add a cluster' });
  await dialog.getByText('How functions run there').click();
  await dialog.getByRole('tab', { name: 'Knative Service' }).click();
  await dialog.getByRole('tab', { name: 'KubeVirt' }).click();
  expect(await dialog.getByRole('tab', { name: 'Knative Service' }).count()).toBe(0);
  await dialog.getByRole('tab', { name: 'RuntimeClass' }).click();
  await dialog.getByRole('tab', { name: 'Knative Service' }).click();
  await dialog.getByLabel('Registry for images').fill('registry.example/team');
  await dialog.getByLabel('Name', { exact: false }).first().fill('contained');
  expect(await dialog.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
  await dialog.getByRole('textbox', { name: 'RuntimeClass' }).fill('gvisor');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.waitFor({ state: 'detached' });
  const [added] = await engine.calls['targets:list'](
    {},
    { signal: new AbortController().signal, progress: () => undefined },
  );
  expect(added).toMatchObject({ name: 'contained', engine: 'runtimeclass:gvisor', workload: 'knative' });
});

it('adds a cluster, says what a deploy would find there, and deploys with one click', async () => {
  const { page, engine } = await openStudio();
  await chooseInMenu(page, /Add a cluster/);
  await addTarget(page);
  const view = page.getByRole('main', { name: 'Deployed functions' });
  await view.getByRole('cell', { name: /Guests are emulated.*device plugin/ }).waitFor();
  const [added] = await engine.calls['targets:list'](
    {},
    { signal: new AbortController().signal, progress: () => undefined },
  );
  expect(added).toMatchObject({ name: 'home', registry: 'registry.example/team', kubeconfig: null });

  await page.keyboard.press('Control+Alt+d');
  const deploy = view.getByRole('region', { name: 'Deploy' });
  await deploy.getByText('Deployed to home').waitFor();
  expect(await deploy.locator('li[data-status="done"]').count()).toBe(6);
  await view.getByRole('status', { name: 'State' }).getByText('1 of 1 replicas ready').waitFor();
  await view.getByRole('application').and(view.locator('[aria-roledescription="timeline"]')).waitFor();
  await view.getByText(/the guest runs emulated/).waitFor();
  await view.getByRole('button', { name: 'Call', exact: true }).click();
  await view.getByRole('status', { name: 'Answer' }).getByText('200').waitFor();

  await view.getByRole('button', { name: 'Open the console' }).click();
  const console = view.getByRole('region', { name: /^Console of / });
  await console.getByText('attached', { exact: true }).waitFor();
  await console
    .getByText(/^console of /)
    .first()
    .waitFor();
  await view.getByRole('button', { name: 'Close the console' }).click();
  await console.waitFor({ state: 'detached' });
});

it('shows what the replicas of a deployed function use, now and over the last minutes', async () => {
  const { page } = await openStudio();
  await chooseInMenu(page, /Add a cluster/);
  await addTarget(page);
  const view = page.getByRole('main', { name: 'Deployed functions' });
  await view.getByRole('button', { name: /^Deploy .* here$/ }).click();
  await view.getByText('Deployed to home').waitFor();
  await view.getByRole('button', { name: 'One replica more' }).click();
  const resources = view.getByRole('region', { name: 'Resources of its replicas' });
  const second = resources.getByRole('row', { name: /x2x71/ });
  await second.getByRole('cell', { name: '48.0 MiB' }).waitFor();
  expect(await second.getByRole('cell').allTextContents()).toEqual(['node-1', '2.50\u00a0%', '48.0\u00a0MiB', '0']);
  await second.getByRole('button').click();
  const graphs = resources.getByRole('region', { name: 'Resources', exact: true });
  await graphs.getByRole('figure', { name: /^CPU of one processor: cpu 2\.5/ }).waitFor({ timeout: 30_000 });
  await graphs.getByRole('figure', { name: /^Memory of the replica: memory 48/ }).waitFor();
  expect(await graphs.getByRole('figure').count()).toBe(2);
  await view.getByRole('button', { name: 'One replica less' }).click();
  await view.getByRole('button', { name: 'One replica less' }).click();
  await resources.getByText('It is scaled to zero').waitFor();
  // Its graphs take a second reading, 5 s after the first.
}, 90_000);

it('adds libvirt hosts, whose functions have no pause and no cold start of a pod', async () => {
  const { page, engine } = await openStudio();
  await chooseInMenu(page, /Add a cluster/);
  const uris = ['qemu+ssh://root@lab1/system', 'qemu+tls://lab2/system'];
  await page.getByRole('tab', { name: 'libvirt hosts' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add hosts' });
  await dialog.getByLabel('Name', { exact: false }).first().fill('lab');
  const addresses = dialog.getByLabel('Addresses of their libvirt');
  await addresses.fill('lab1');
  expect(await dialog.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
  await addresses.fill(uris.join(' '));
  const listen = dialog.getByLabel('Address of endpoints');
  expect(await listen.inputValue()).toBe('127.0.0.1');
  await listen.fill('lab1');
  expect(await dialog.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
  await listen.fill('0.0.0.0');
  await dialog.getByText(/Nobody is asked who calls/).waitFor();
  await dialog.getByRole('button', { name: 'Add' }).click();
  const view = page.getByRole('main', { name: 'Deployed functions' });
  for (const uri of uris) await view.getByRole('definition').getByText(uri).waitFor();
  const context = { signal: new AbortController().signal, progress: () => undefined };
  expect(await engine.calls['targets:list']({}, context)).toEqual([
    { name: 'lab', kind: 'libvirt', uris, listen: '0.0.0.0' },
  ]);
  await view
    .getByRole('definition')
    .getByText(/0\.0\.0\.0: open to whoever reaches it/)
    .waitFor();

  engine.faults.deployWarnings = ['"ports" has no effect on a libvirt host.', 'lab2 is down.'];
  await view.getByRole('button', { name: /^Deploy .* here$/ }).click();
  await view.getByText('Deployed to lab').waitFor();
  for (const warning of engine.faults.deployWarnings) await view.getByText(warning, { exact: true }).waitFor();
  await view.getByRole('status', { name: 'State' }).getByText('1 of 1 replicas ready').waitFor();
  expect(await view.getByRole('button', { name: 'Pause: roll nothing out' }).count()).toBe(0);
  expect(await view.getByRole('region', { name: 'Cold start on the cluster' }).count()).toBe(0);
});

it('scales, goes back to a revision, and undeploys once that is confirmed', async () => {
  const { page } = await openStudio();
  await chooseInMenu(page, /Add a cluster/);
  await addTarget(page);
  const view = page.getByRole('main', { name: 'Deployed functions' });
  await view.getByRole('button', { name: /^Deploy .* here$/ }).click();
  await view.getByText('Deployed to home').waitFor();
  await view.getByRole('button', { name: 'Deploy again' }).click();
  const revisions = view.getByRole('table', { name: 'Revisions' });
  await revisions.getByRole('button', { name: 'Go back to it' }).waitFor();
  await view.getByRole('button', { name: 'One replica more' }).click();
  const state = view.getByRole('status', { name: 'State' });
  await state.getByText('2 of 2 replicas ready').waitFor();
  await view.getByRole('button', { name: 'Pause: roll nothing out' }).click();
  await state.getByText('paused').waitFor();
  expect(await view.getByRole('button', { name: 'Roll back' }).isDisabled()).toBe(true);
  await view.getByRole('button', { name: 'Roll out again' }).click();
  await revisions.getByRole('button', { name: 'Go back to it' }).click();
  await state.getByText('revision 3').waitFor();
  await view.getByRole('button', { name: 'Undeploy' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Undeploy' }).click();
  await view.getByText('No function is deployed here.').waitFor();
  expect(await view.getByRole('table', { name: 'Functions on home' }).count()).toBe(0);
  await page.keyboard.press('Escape');
  await view.waitFor({ state: 'detached' });
});

it('says in which step a deploy failed and why, and that one was cancelled', async () => {
  const { page, engine } = await openStudio();
  await chooseInMenu(page, /Add a cluster/);
  await addTarget(page);
  engine.faults.deployError = new FirstlightError('DEPLOY_FAILED', 'hello does not run on home: ImagePullBackOff', {
    hint: 'It was new, so it was taken away again.',
    details: { output: 'failed to pull image: 401 Unauthorized' },
  });
  await page.keyboard.press('Control+Alt+d');
  const deploy = page.getByRole('region', { name: 'Deploy' });
  await deploy.getByRole('alert').getByText('ImagePullBackOff').waitFor();
  await deploy.getByText('401 Unauthorized').waitFor();
  expect(await deploy.locator('li[data-status="failed"]').textContent()).toContain('Roll out');

  engine.faults.deployStepMs = 60_000;
  await deploy.getByRole('button', { name: 'Deploy again' }).click();
  await deploy.getByRole('button', { name: 'Cancel' }).click();
  await deploy.getByText('The deploy was cancelled').waitFor();
  expect(await deploy.getByRole('alert').count()).toBe(0);
});

it('follows what is deployed elsewhere, in the list beside the page', async () => {
  const { page, engine } = await openStudio();
  await page.keyboard.press('Control+8');
  const side = page.getByRole('complementary', { name: 'Side list' });
  await side.getByText('No cluster yet').waitFor();
  await page.getByRole('button', { name: 'Deploy', exact: true }).click();
  await addTarget(page);
  await side.getByText('no function').waitFor();
  const [project] = await engine.calls['projects:list']({}, context());
  if (project === undefined) throw new Error('The fake engine has no project.');
  await engine.calls['deploy:start'](
    { projectId: project.id, target: 'home', wait: true, rollback: true, force: false },
    context(),
  );
  await side.getByRole('button', { name: `${project.name} on home, ready` }).click();
  await page.getByRole('main', { name: 'Deployed functions' }).getByRole('table', { name: 'Revisions' }).waitFor();
  await engine.calls['deploy:scale']({ target: 'home', name: project.name, replicas: 0 }, context());
  await side.getByRole('button', { name: `${project.name} on home, stopped` }).waitFor();
  await page.getByText('No pod runs').waitFor();
  expect(await page.getByRole('region', { name: 'Cold start timeline' }).count()).toBe(0);
});

const context = () => ({ signal: new AbortController().signal, progress: () => undefined });

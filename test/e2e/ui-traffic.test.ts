import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { FakeEngine } from '../fixtures/fake-engine.ts';
import { setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
const context = () => ({ signal: new AbortController().signal, progress: () => undefined });

const withTarget = (workload: 'knative' | 'deployment') => ({
  prepare: (engine: FakeEngine) =>
    void engine.calls['targets:add'](
      {
        ...{
          name: 'home',
          kind: 'kubernetes',
          kubeconfig: null,
          context: null,
          namespace: null,
          engine: 'pod',
          workload,
        },
        ...{ registry: 'registry.example/team', registryCa: null, plainHttp: false, pullSecret: null },
      },
      context(),
    ),
});

async function deployTimes(engine: FakeEngine, times: number): Promise<void> {
  const projects = await engine.calls['projects:list']({}, context());
  const hello = projects.find(({ name }) => name === 'hello');
  if (hello === undefined) throw new Error('The fake engine has no hello.');
  const request = { projectId: hello.id, target: 'home', wait: true, rollback: true, force: false };
  for (let time = 0; time < times; time += 1) await engine.calls['deploy:start'](request, context());
}

async function openFunction(page: Page) {
  await page.keyboard.press('Control+8');
  const view = page.getByRole('main', { name: 'Deployed functions' });
  await view.getByRole('button', { name: 'hello', exact: true }).click();
  return view.getByRole('region', { name: 'Revisions and traffic' });
}

const trafficOf = async (engine: FakeEngine) => {
  const { traffic = [] } = await engine.calls['deploy:get']({ target: 'home', name: 'hello' }, context());
  return traffic.map(({ revision, percent, isLatest }) => `${isLatest ? 'latest' : revision}=${percent}`);
};

it('splits the requests of a Knative Service between revisions, once confirmed, and takes the split back', async () => {
  const { page, engine } = await openStudio(withTarget('knative'));
  await deployTimes(engine, 3);
  const revisions = await openFunction(page);
  await revisions.getByRole('row', { name: /^latest 100 %/ }).waitFor();
  await revisions.getByRole('row', { name: /^3 as latest/ }).waitFor();
  await revisions.getByRole('button', { name: 'Split the traffic' }).click();
  const newest = revisions.getByLabel('Share of the newest revision in %');
  const split = revisions.getByRole('button', { name: 'Split', exact: true });
  await until('the first share has the focus', () => newest.evaluate((input) => input === document.activeElement));
  await page.keyboard.type('20');
  await revisions.getByText('The shares make 20 %: 80 % are left.').waitFor();
  expect(await split.isDisabled()).toBe(true);
  await revisions.getByLabel('Share of revision 1 in %').fill('80');
  await revisions.getByText('The shares make 100 %.').waitFor();
  await page.keyboard.press('Enter');

  const dialog = page.getByRole('dialog', { name: 'Split the traffic of hello on home?' });
  await dialog.getByText('20 % to the newest (now revision 3), 80 % to revision 1').waitFor();
  await dialog.getByRole('button', { name: 'Keep' }).click();
  expect(await trafficOf(engine)).toEqual(['latest=100']);
  await split.click();
  await dialog.getByRole('button', { name: 'Split' }).click();
  await revisions.getByRole('row', { name: /^1 80 %/ }).waitFor();
  expect(await trafficOf(engine)).toEqual(['latest=20', '1=80']);
  const again = revisions.getByRole('button', { name: 'Split the traffic' });
  await until('the button has the focus back', () => again.evaluate((button) => button === document.activeElement));

  await page.keyboard.press('Enter');
  await revisions.getByRole('button', { name: 'All to the newest' }).click();
  await split.click();
  await dialog.getByRole('button', { name: 'Split' }).click();
  await revisions.getByRole('row', { name: /^latest 100 %/ }).waitFor();
  expect(await trafficOf(engine)).toEqual(['latest=100']);
});

it('says why a split was refused, and keeps what was typed; Esc gives it up', async () => {
  const { page, engine } = await openStudio(withTarget('knative'));
  await deployTimes(engine, 2);
  const revisions = await openFunction(page);
  await revisions.getByRole('button', { name: 'Split the traffic' }).click();
  const first = revisions.getByLabel('Share of revision 1 in %');
  await first.fill('half');
  await revisions.getByText('“half” is not a whole number from 0 to 100.').waitFor();
  await first.fill('100');
  await revisions.getByLabel('Share of the newest revision in %').fill('');
  engine.faults.trafficError = new FirstlightError('NOT_FOUND', 'hello has no revision 1.', {
    hint: 'The cluster keeps: 2',
  });
  await revisions.getByRole('button', { name: 'Split', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Split' }).click();
  await page.getByRole('alert').getByText('hello has no revision 1.').waitFor();
  await page.getByRole('alert').getByText('The cluster keeps: 2').waitFor();
  expect(await first.inputValue()).toBe('100');
  await first.press('Escape');
  await first.waitFor({ state: 'detached' });
  await revisions.getByRole('row', { name: /^latest 100 %/ }).waitFor();
});

it('splits nothing of a Deployment, and says what can', async () => {
  const { page, engine } = await openStudio(withTarget('deployment'));
  await deployTimes(engine, 2);
  const revisions = await openFunction(page);
  await revisions.getByText(/All requests go to revision 2; a Knative Service can split them/).waitFor();
  expect(await revisions.getByRole('button', { name: 'Split the traffic' }).count()).toBe(0);
  expect(await revisions.getByRole('columnheader', { name: 'Traffic' }).count()).toBe(0);
});

it('has what is newest, and the way back to the others, in one line', async () => {
  for (const workload of ['knative', 'deployment'] as const) {
    const { page, engine } = await openStudio(withTarget(workload));
    await deployTimes(engine, 3);
    const revisions = await openFunction(page);
    await revisions.getByRole('button', { name: 'Go back to it' }).first().waitFor();
    if (process.env.FIRSTLIGHT_SHOTS !== undefined) {
      await revisions.screenshot({ path: `${process.env.FIRSTLIGHT_SHOTS}/revisions-${workload}.png` });
    }
    const cells = revisions.locator('tbody tr td:last-child:not([colspan])');
    const beginnings = await cells.evaluateAll((found) =>
      found.map((cell) => {
        const text = document.createRange();
        text.selectNode(document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode() ?? cell);
        return Math.round(text.getBoundingClientRect().left);
      }),
    );
    expect(beginnings).toHaveLength(3);
    expect(new Set(beginnings).size).toBe(1);
  }
});

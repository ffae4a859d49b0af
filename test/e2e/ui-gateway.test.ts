import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { GatewayRequest } from '#shared/model/gateway.ts';
import type { FakeEngine } from '../fixtures/fake-engine.ts';
import { setUpStudio, until } from './ui-harness.ts';

const openStudio = setUpStudio();
const context = () => ({ signal: new AbortController().signal, progress: () => undefined });

async function requestTo(engine: FakeEngine, name: string, change: Partial<GatewayRequest>): Promise<GatewayRequest> {
  const found = (await engine.calls['projects:list']({}, context())).find((project) => project.name === name);
  return {
    ...{ at: new Date().toISOString(), functionName: name, projectId: found?.id ?? null, method: 'GET', path: '/' },
    ...{ status: 200, durationMs: 4.2, waitedMs: 0, runId: null, error: null, ...change },
  };
}

it('starts the gateway by the keyboard, says why it did not, and stops it', async () => {
  const { page, engine } = await openStudio({ width: 1024, height: 640 });
  await page.keyboard.press('Control+9');
  const view = page.getByRole('main', { name: 'Gateway' });
  const start = view.getByRole('button', { name: 'Start', exact: true });
  const queue = view.getByLabel('Queue');
  await queue.fill('many');
  await view.getByText('A whole number from 0 to 10,000.').waitFor();
  expect(await start.isDisabled()).toBe(true);
  await queue.fill('3');
  await view.getByRole('tab', { name: 'prestarted' }).click();
  engine.faults.gatewayError = new FirstlightError('PORT_IN_USE', 'Port 80 of 127.0.0.1 is in use.');
  await queue.press('Enter');
  await view.getByRole('alert').getByText('Port 80 of 127.0.0.1 is in use.').waitFor();

  engine.faults.gatewayError = null;
  await queue.press('Enter');
  const state = view.getByRole('status', { name: 'State' });
  await state.getByText('http://127.0.0.1:8123').waitFor();
  await state.getByText('start mode prestarted').waitFor();
  expect(await view.getByRole('alert').count()).toBe(0);
  const stop = view.getByRole('button', { name: 'Stop', exact: true });
  await until('the button to stop it has the focus', () =>
    stop.evaluate((button) => button === document.activeElement),
  );
  await page.keyboard.press('Enter');
  await start.waitFor();
  expect(await engine.calls['gateway:status']({}, context())).toBeNull();
  await page.keyboard.press('Escape');
  await view.waitFor({ state: 'detached' });
});

it('shows what each function has and answers, and opens the timeline of a cold start', async () => {
  const { page, engine } = await openStudio();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.keyboard.press('Control+9');
  await page.getByRole('complementary', { name: 'Side list' }).getByRole('button', { name: 'Start it' }).click();
  const view = page.getByRole('main', { name: 'Gateway' });
  const functions = view.getByRole('table', { name: 'Functions behind the gateway' });
  await functions.getByRole('button', { name: 'Copy the address of hello' }).click();
  await functions.getByRole('button', { name: 'Copied' }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe('http://127.0.0.1:8123/function/hello');

  const run = engine.runs().filter(({ functionName }) => functionName === 'hello')[3];
  if (run === undefined) throw new Error('The fake engine has runs of hello.');
  engine.answerAtGateway(await requestTo(engine, 'hello', { runId: run.id, durationMs: 412 }));
  engine.answerAtGateway(await requestTo(engine, 'hello', { path: '/again' }));
  const error = '3 requests wait for this function already.';
  engine.answerAtGateway(await requestTo(engine, 'resize', { status: 429, error }));
  await functions.getByRole('row', { name: /^hello .*1 of 2 0 of 16 2 / }).waitFor();
  const requests = view.getByRole('table', { name: 'Requests' });
  await requests.getByRole('row', { name: /resize GET \/ 3 requests wait for this function already. 429/ }).waitFor();
  await requests.getByRole('row', { name: /hello GET \/again 200 .* warm/ }).waitFor();
  await functions.getByRole('button', { name: 'hello', exact: true }).press('Enter');
  await view.getByRole('heading', { name: 'Requests to hello' }).waitFor();
  expect(await requests.locator('tbody tr').count()).toBe(2);

  await functions.getByRole('button', { name: /^Cold start of hello, 412 ms/ }).click();
  await view.waitFor({ state: 'detached' });
  await page.getByRole('tab', { name: 'Runs' }).click();
  const shown = page.getByRole('table', { name: 'Runs' }).locator('[data-row][aria-current="true"]');
  const newest = engine.runs().filter(({ functionName }) => functionName === 'hello');
  const index = await shown.evaluate((row) =>
    [...document.querySelectorAll('table[aria-label="Runs"] [data-row]')].indexOf(row),
  );
  expect(newest[index]?.id).toBe(run.id);
});

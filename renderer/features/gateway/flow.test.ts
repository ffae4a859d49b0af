import { afterEach, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { GatewayRequest } from '#shared/model/gateway.ts';
import { type FakeStudio, openFakeStudio, settled } from '../../../test/fixtures/fake-studio.ts';
import { shownOf } from '../../state/context.ts';

let fake: FakeStudio;
afterEach(() => fake.close());
const state = () => fake.studio.gateway.store.getState();
const functions = () => state().status.value?.gateway?.functions ?? [];

const requestOf = (change: Partial<GatewayRequest>): GatewayRequest => ({
  ...{ at: '2026-01-02T03:04:05.000Z', functionName: 'hello', projectId: fake.projectId, method: 'GET', path: '/' },
  ...{ status: 200, durationMs: 12, waitedMs: 0, runId: null, error: null },
  ...change,
});

it('starts as wished for, follows functions and answers, and stops', async () => {
  fake = await openFakeStudio();
  const { studio, engine } = fake;
  await settled(() => state().status.status === 'ready');
  studio.gateway.edit({ startMode: 'prebooted', idle: '5' });
  await studio.gateway.start();
  expect(state().status.value?.gateway?.limits).toMatchObject({ startMode: 'prebooted', idleMs: 5000 });
  expect(functions().map(({ name }) => name)).toContain('hello');
  for (let count = 0; count < 120; count += 1) engine.answerAtGateway(requestOf({ path: `/${count}` }));
  await settled(() => state().requests.length === 100);
  expect(state().requests[0]?.path).toBe('/119');
  expect(functions().find(({ name }) => name === 'hello')?.requests).toBe(120);
  await studio.gateway.stop();
  expect(state().status.value).toEqual({ gateway: null });
});

it('keeps why it did not start until the next attempt', async () => {
  fake = await openFakeStudio();
  const { studio, engine } = fake;
  engine.faults.gatewayError = new FirstlightError('PORT_IN_USE', 'Port 80 of 127.0.0.1 is in use.');
  await studio.gateway.start();
  expect(state()).toMatchObject({ step: null, failure: { code: 'PORT_IN_USE' } });
  engine.faults.gatewayError = null;
  await studio.gateway.start();
  expect(state()).toMatchObject({ step: null, failure: null });
});

it('shows the run of a cold start, not the newest one, also of a function that was not shown before', async () => {
  fake = await openFakeStudio();
  const { studio, engine, projectId } = fake;
  await studio.gateway.start();
  const run = engine
    .runs()
    .filter((one) => one.projectId === projectId)
    .at(-1);
  const other = functions().find((one) => one.projectId !== projectId);
  if (run === undefined || other === undefined) throw new Error('The fake engine has runs and two functions.');
  await studio.projects.select(other.projectId);
  studio.session.setState({ shown: {} });
  studio.gateway.open();
  await studio.gateway.showRun(projectId, run.id);
  await settled(() => studio.session.getState().runs[projectId]?.status === 'ready');
  expect(studio.saved.getState().projectId).toBe(projectId);
  expect(studio.transient.getState().center).toBe('editor');
  expect(shownOf(studio, projectId).run?.id).toBe(run.id);
});

it('no longer lists a function that was closed', async () => {
  fake = await openFakeStudio();
  const { studio, projectId } = fake;
  await studio.gateway.start();
  expect(functions().map((one) => one.projectId)).toContain(projectId);
  await studio.projects.close(projectId);
  await settled(() => functions().every((one) => one.projectId !== projectId));
  expect(functions().length).toBeGreaterThan(0);
});

it('keeps the instances behind it when a person runs the function', async () => {
  fake = await openFakeStudio();
  const { studio, projectId } = fake;
  await studio.gateway.start();
  const run = async () => {
    await studio.invoke.run();
    const id = shownOf(studio, projectId).run?.instance?.id;
    if (id === undefined) throw new Error('The run has an instance.');
    return id;
  };
  const ids = () => (studio.session.getState().instances.value ?? []).map(({ id }) => id);
  const served = await run();
  const gateway = state().status.value?.gateway;
  if (gateway == null) throw new Error('The gateway runs.');
  const behind = gateway.functions.map((one) =>
    one.projectId === projectId ? { ...one, instanceIds: [served] } : one,
  );
  studio.gateway.changed({ ...gateway, functions: behind });
  const own = await run();
  const next = await run();
  await settled(() => !ids().includes(own));
  expect(ids()).toEqual(expect.arrayContaining([served, next]));
});

import { afterEach, expect, it } from 'vitest';
import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { createFakeEngine, type FakeEngine } from '../test/fixtures/fake-engine.ts';
import { currentProject, shownOf } from './state/context.ts';
import { docKey, type LinkState } from './state/session.ts';
import { createStudio, type Studio } from './studio.ts';

let engine: FakeEngine;
let studio: Studio;

/** A studio joined to a fake engine in memory, once it has loaded. */
async function open(before?: FakeEngine): Promise<{ projectId: string; key: string }> {
  engine = before ?? createFakeEngine();
  const ports = createMemoryPorts();
  serveSession(engine, ports.engine);
  const connected: LinkState = { status: 'connected', attempt: 0, retryAtMs: null };
  studio = createStudio({ client: createClient(ports.client), link: () => connected, onLink: () => () => undefined });
  await settled(() => studio.session.getState().doctor.status === 'ready');
  const projectId = currentProject(studio)?.id ?? '';
  const key = docKey(projectId, 'handler.ts');
  await settled(() => studio.session.getState().docs[key]?.status === 'ready');
  return { projectId, key };
}
afterEach(() => {
  studio.dispose();
  engine.close();
});

async function settled(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 400) throw new Error('It did not come to hold.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const doc = (key: string) => studio.session.getState().docs[key];

it('shows the first function, its entry file, and its newest run with the one before beneath', async () => {
  const { projectId } = await open();
  expect(currentProject(studio)?.name).toBe('hello');
  await settled(() => shownOf(studio, projectId).previous !== null);
  const { run, previous } = shownOf(studio, projectId);
  expect(run?.id).toBe(engine.runs()[0]?.id);
  expect(previous?.startMode).toBe(run?.startMode);
});

it('keeps an open page when it loads again at a new connection', async () => {
  const { projectId } = await open();
  await settled(() => studio.transient.getState().consoles.length > 0);
  studio.transient.setState({ center: 'deployments', consoles: [] });
  studio.session.setState({ shown: {} });
  await studio.projects.load();
  // The newest run is shown again with its console, underneath.
  await settled(() => shownOf(studio, projectId).run !== null && studio.transient.getState().consoles.length > 0);
  expect(studio.transient.getState().center).toBe('deployments');
});

it('saves with the revision it read, and tells a conflict instead of losing either text', async () => {
  const { key } = await open();
  studio.docs.edit(key, 'mine');
  engine.writeOutside('hello', 'handler.ts', 'theirs');
  await settled(() => doc(key)?.conflict === 'changed');
  expect(await studio.docs.save(key)).toBe(false);
  expect(engine.read('hello', 'handler.ts')).toBe('theirs');
  expect(doc(key)?.text).toBe('mine');
  expect(await studio.docs.save(key, { overwrite: true })).toBe(true);
  expect(engine.read('hello', 'handler.ts')).toBe('mine');
  expect(doc(key)?.conflict).toBeNull();
});

it('does not run while a save is refused', async () => {
  const { key } = await open();
  const before = engine.runs().length;
  studio.docs.edit(key, 'mine');
  engine.writeOutside('hello', 'handler.ts', 'theirs');
  await settled(() => doc(key)?.conflict === 'changed');
  await studio.invoke.run();
  expect(engine.runs().length).toBe(before);
});

it('runs one at a time per function, and a cancelled run leaves what was shown', async () => {
  const { projectId } = await open();
  await settled(() => shownOf(studio, projectId).run !== null);
  const shown = shownOf(studio, projectId).run?.id;
  engine.faults.bootMs = 60_000;
  const first = studio.invoke.run();
  await studio.invoke.run();
  await settled(() => engine.instances().some((instance) => instance.state === 'booting'));
  expect(engine.instances().filter((instance) => instance.state === 'booting').length).toBe(1);
  studio.invoke.cancel();
  await first;
  expect(studio.transient.getState().tasks).toEqual({});
  expect(shownOf(studio, projectId)).toMatchObject({ run: { id: shown }, failure: null });
});

it('makes the next instance on the host that was chosen for the function, and runs it there', async () => {
  const { projectId } = await open();
  const context = { signal: new AbortController().signal, progress: () => undefined };
  await engine.calls['hosts:add']({ name: 'lab', uri: 'qemu+ssh://lab/system' }, context);
  await settled(() => studio.session.getState().hosts.length === 2);
  const asked: (string | undefined)[] = [];
  for (const name of ['builds:build', 'instances:run'] as const) {
    const handler: unknown = engine.calls[name];
    Object.assign(engine.calls, {
      [name]: (input: { host?: string }, given: typeof context) => {
        asked.push(input.host);
        return (handler as (...args: unknown[]) => unknown)(input, given);
      },
    });
  }
  studio.saved.setState({ hosts: { [projectId]: 'lab' } });
  await settled(() => asked.length === 1);
  await studio.invoke.run();
  expect(asked).toEqual(['lab', 'lab']);
  await engine.calls['hosts:remove']({ name: 'lab' }, context);
  await settled(() => studio.session.getState().hosts.length === 1);
  await studio.invoke.run();
  expect(asked).toEqual(['lab', 'lab', undefined]);
});

it('keeps ten minutes of samples and no more', async () => {
  await open();
  const id = engine.instances()[0]?.id;
  if (id === undefined) throw new Error('The fake engine boots one.');
  const sample = (atMs: number) => ({
    instanceId: id,
    atMs,
    cpuNs: 0,
    memoryBytes: 0 as never,
    diskReadBytes: 0 as never,
    diskWriteBytes: 0 as never,
    netReceiveBytes: 0 as never,
    netTransmitBytes: 0 as never,
  });
  studio.session.setState({ samples: {} });
  for (let minute = 0; minute <= 12; minute++) studio.metrics.sampled([sample(minute * 60_000)]);
  const kept = studio.session.getState().samples[id] ?? [];
  expect(kept[0]?.atMs).toBe(2 * 60_000);
  expect(kept.at(-1)?.atMs).toBe(12 * 60_000);
});

it('keeps what was typed and not saved over a restart, also when the file changed meanwhile', async () => {
  const { key } = await open();
  studio.docs.edit(key, 'typed');
  studio.dispose();
  await settled(() => JSON.stringify(engine.settings).includes('"typed"'));
  await open(engine);
  await settled(() => doc(key)?.text === 'typed');
  expect(doc(key)?.conflict).toBeNull();
  studio.dispose();

  engine.writeOutside('hello', 'handler.ts', 'theirs');
  await open(engine);
  await settled(() => doc(key)?.text === 'typed');
  expect(doc(key)?.conflict).toBe('changed');
  expect(await studio.docs.save(key)).toBe(false);
  expect(await studio.docs.save(key, { overwrite: true })).toBe(true);
  await settled(() => !JSON.stringify(engine.settings).includes('"typed"'));
});

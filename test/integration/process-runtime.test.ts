import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import type { Project } from '#shared/model/project.ts';
import { processRuntime } from '../process-runtime/process-runtime.ts';
import { processHost } from '../process-runtime/process-vmm.ts';
import { makeHome, openStudio, removeHome, type Studio, until } from './studio.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A process, a container: the same interface as a unikernel's, from the bundle to the session. */
describe('a runtime that starts no virtual machine', () => {
  const home = makeHome();
  let studio: Studio;
  let project: Project;
  beforeAll(async () => {
    studio = await openStudio({ home, runtimes: [...runtimes, processRuntime], hosts: [processHost] });
    const handler = `
      export default async (event) => {
        console.log('called with ' + event.name);
        if (event.name === 'nobody') throw new Error('no name');
        return { hello: event.name, pid: process.pid };
      };`;
    project = await studio.project('plain', handler, { runtime: 'process' });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });
  const run = (event: object, more: object = {}) =>
    studio.client.call('instances:run', { projectId: project.id, host: 'processes', event: event as never, ...more });
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it('builds, starts, answers, prints, is sampled and stopped as any other', async () => {
    const done = await run({ name: 'Ada' });
    expect(done.error).toBeNull();
    const body = done.response?.body as unknown as { value: { hello: string; pid: number } };
    expect(body.value.hello).toBe('Ada');
    const { timeline } = done;
    expect(timeline?.phases.reduce((total, { durationNs }) => total + durationNs, 0)).toBe(timeline?.totalNs);

    const instanceId = done.instance?.id as never;
    const [listed] = await studio.client.call('instances:list', {});
    expect(listed).toMatchObject({ id: instanceId, host: 'processes', runtime: 'process', state: 'ready' });
    await until('it is sampled', async () => {
      const samples = await studio.client.call('metrics:recent', { instanceId });
      return samples.some(({ memoryBytes }) => memoryBytes > 1 << 20);
    });
    expect(await readConsole(instanceId)).toContain('called with Ada');

    const warm = await studio.client.call('instances:invoke', { instanceId, event: { name: 'Bo' } });
    expect(warm.response?.body).toMatchObject({ value: { hello: 'Bo', pid: body.value.pid } });
    await studio.client.call('instances:stop', { instanceId });
    await until('its process is gone', () => !isAlive(body.value.pid));
  });

  it('reports what the function throws, and starts ahead of a run', async () => {
    const thrown = await run({ name: 'nobody' }, { lifetime: 'stop' });
    expect(thrown).toMatchObject({ outcome: 'failed', error: { code: 'FUNCTION_THREW' } });
    const ahead = await run({ name: 'Cy' }, { startMode: 'prestarted', lifetime: 'stop' });
    expect(ahead.error).toBeNull();
    expect(ahead.startMode).toBe('prestarted');
  });

  async function readConsole(instanceId: never): Promise<string> {
    let text = '';
    const stream = studio.client.openStream('console:attach', { instanceId }, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    await until('it has printed', () => text.includes('called with'));
    stream.close();
    return text;
  }
});

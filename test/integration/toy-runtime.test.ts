import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import type { Project } from '#shared/model/project.ts';
import { main } from '../../cli/program.ts';
import { createFakeIo } from '../../cli/testing/fake-io.ts';
import { toy } from '../toy-runtime/toy-runtime.ts';
import { domains, makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

vi.setConfig({ testTimeout: 120_000 });
const reason = whyNot();
const all = [...runtimes, toy];
const handler = 'export default () => 1;';

describe.skipIf(reason !== null)(`a toy runtime${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  let project: Project;
  const home = reason === null ? makeHome() : '';

  beforeAll(async () => {
    studio = await openStudio({ home, runtimes: all });
    project = await studio.project('floor', handler, { runtime: 'toy' });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  /** Runs a command line on this engine: another engine of the same process would not touch its instances. */
  async function cli(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
    const io = createFakeIo();
    const exitCode = await main(argv, io, async () => ({ ...studio.core, close: async () => undefined }));
    return { exitCode, out: io.out(), err: io.err() };
  }

  it('is offered, and is unknown to an engine without it', async () => {
    expect(await studio.client.call('runtimes:list', {})).toContainEqual({
      id: 'toy',
      title: 'Toy',
      description: 'Says one byte.',
      defaultMemoryMiB: 32,
      runsPrograms: false,
      options: null,
      kernels: null,
      isDefault: false,
    });
    expect(project.config).toMatchObject({ runtime: 'toy', memoryMiB: 32 });
    const other = await openStudio({ home: makeHome() });
    try {
      const unknown = await other.project('floor', handler, { runtime: 'toy' });
      expect(unknown.problems[0]?.message).toBe('"runtime" must be "ember", "nanos" or "kernel", not "toy".');
    } finally {
      await other.close();
      removeHome(other.home);
    }
  });

  it('builds, runs, is listed, drawn and stopped over the contract', async () => {
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'session' });
    expect(run.error).toBeNull();
    expect(run).toMatchObject({ outcome: 'ok', runtime: 'toy', response: { body: { kind: 'text', value: 'F' } } });
    const { timeline } = run;
    expect(timeline?.phases.reduce((total, phase) => total + phase.durationNs, 0)).toBe(timeline?.totalNs);
    expect(timeline?.phases.find(({ name }) => name === 'vmm')?.durationNs).toBeGreaterThan(0);
    const [instance] = await studio.client.call('instances:list', {});
    expect(instance).toMatchObject({ id: run.instance?.id, runtime: 'toy', state: 'ready', memoryMiB: 32 });
    expect(domains()).toContain(instance?.domain);
    await studio.client.call('instances:stop', { instanceId: run.instance?.id as never });
    await until('its domain is gone', () => !domains().includes(instance?.domain ?? ''));
  });

  it('is looked at by the doctor', async () => {
    const { checks } = await studio.client.call('doctor:run', { fresh: false });
    expect(checks).toContainEqual(expect.objectContaining({ id: 'toy', status: 'ok', found: 'always there' }));
  });

  it('builds, runs, is listed, drawn and stopped from the command line', async () => {
    const built = await cli('build', project.dir, '--json');
    expect(built).toMatchObject({ exitCode: 0 });
    const ran = await cli('run', project.dir, '--keep');
    expect(ran, ran.err).toMatchObject({ exitCode: 0 });
    // The bars of the timeline go to stderr, the answer to stdout.
    expect(ran.out + ran.err).toMatch(/^F$/m);
    expect(ran.out + ran.err).toMatch(/firmware/);
    const listed = JSON.parse((await cli('ps', '--json')).out);
    const instance = listed.find(({ keep }: { keep: boolean }) => keep);
    expect(instance).toMatchObject({ runtime: 'toy', state: 'ready' });
    const stopped = await cli('stop', instance.id);
    expect(stopped, stopped.err).toMatchObject({ exitCode: 0 });
    await until('its domain is gone', () => !domains().includes(instance.domain));
  });
});

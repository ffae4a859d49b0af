import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { startModes } from '#shared/model/timeline.ts';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000 });
const reason = whyNot();
const valuesOf = ({ response }: Run) => (response?.body.kind === 'json' ? response.body.value : null);

describe.skipIf(reason !== null)(`a run under a real libvirt${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  const home = reason === null ? makeHome() : '';
  const run = (project: Project, more: object = {}) =>
    studio.client.call('instances:run', { projectId: project.id, lifetime: 'stop', ...more });

  beforeAll(async () => {
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  it('has the variables of one run, with the same image where the module does not read them', async () => {
    const source = (top: string) => `${top}; export default () => [process.env.STAGE, process.env.MORE];`;
    const env = { STAGE: 'staging', MORE: 'é=$(x)' };
    const late = await studio.project('late', source(''), { env: { STAGE: 'local' } });
    const [plain, given, again] = [await run(late), await run(late, { env }), await run(late)];
    expect([plain, given, again].map(valuesOf)).toEqual([
      ['local', null],
      ['staging', 'é=$(x)'],
      ['local', null],
    ]);
    expect(given.image?.id).toBe(plain.image?.id);
    const early = await studio.project('early', source('if (process.env.STAGE !== "staging") globalThis.x = 1'));
    const built = await run(early, { env });
    expect(valuesOf(built)).toEqual(['staging', 'é=$(x)']);
    expect(built.image?.id).not.toBe((await run(early)).image?.id);
  });

  it('has the arguments of one run, in every mode, with the same image where the module does not read them', async () => {
    const source = (top: string) => `${top}; export default () => process.argv;`;
    const named = (...args: string[]) => ['/ember', '/bundle.js', ...args];
    const late = await studio.project('late-args', source(''), { args: ['own', 'é'] });
    const plain = await run(late);
    expect(valuesOf(plain)).toEqual(named('own', 'é'));
    const args = ['--verbose', '$(x) "y"', '', '😀\n'];
    for (const startMode of startModes) {
      const given = await run(late, { args, startMode });
      expect([given.error, given.timeline?.startMode]).toEqual([null, startMode]);
      expect(valuesOf(given)).toEqual(named(...args));
      expect(given.image?.id).toBe(plain.image?.id);
      expect(valuesOf(await run(late, { startMode }))).toEqual(named('own', 'é'));
    }
    const early = await studio.project('early-args', source('if (process.argv.length > 2) console.log("read")'));
    const built = await run(early, { args });
    expect(valuesOf(built)).toEqual(named(...args));
    expect(built.image?.id).not.toBe((await run(early)).image?.id);
  });
});

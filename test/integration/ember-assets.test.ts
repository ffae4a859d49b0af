import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from './studio.ts';

vi.setConfig({ testTimeout: 120_000 });
const reason = whyNot();
const source = `import { readFileSync } from 'node:fs';
export default () => readFileSync('/assets/page.html', 'utf8');`;
const options = { ember: { assets: 'public' } };

describe.skipIf(reason !== null)(`Ember’s assets${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  const home = reason === null ? makeHome() : '';
  beforeAll(async () => {
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  const run = (projectId: Awaited<ReturnType<Studio['project']>>['id'], more: object = {}) =>
    studio.client.call('instances:run', { projectId, lifetime: 'session', event: {}, ...more });

  it('are read by several instances at once, and anew after a change', async () => {
    const project = await studio.project('reads', source, options);
    mkdirSync(join(project.dir, 'public'));
    writeFileSync(join(project.dir, 'public/page.html'), 'one');
    const answers = [await run(project.id), await run(project.id)];
    for (const answer of answers) expect(answer).toMatchObject({ error: null, response: { body: { value: 'one' } } });
    expect(new Set(answers.map(({ instance }) => instance?.id)).size).toBe(2);
    writeFileSync(join(project.dir, 'public/page.html'), 'two');
    const after = await run(project.id, { lifetime: 'stop' });
    expect(after).toMatchObject({ error: null, response: { body: { value: 'two' } } });
    for (const { instance } of answers) await studio.client.call('instances:stop', { instanceId: instance?.id ?? '' });
  });

  it('are refused where the folder is missing, and where a link leads out of it', async () => {
    const project = await studio.project('missing', source, options);
    await expect(run(project.id)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('ember.assets'),
    });
    mkdirSync(join(project.dir, 'public'));
    symlinkSync('../handler.ts', join(project.dir, 'public/page.html'));
    await expect(run(project.id)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  });
});

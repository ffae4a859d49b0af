import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

const reason = whyNot();
const hello = `export default async (event) => { console.log('hi from the guest'); return { hello: event.name ?? 'world' }; };`;

describe.skipIf(reason !== null)(`runs under a real libvirt${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  const home = makeHome();
  beforeAll(async () => {
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  it('boots hello cold, and says where the time went', async () => {
    const project = await studio.project('hello', hello);
    const run = await studio.client.call('instances:run', { projectId: project.id, event: { name: 'Ada' } });
    expect(run.error).toBeNull();
    expect(run.response?.body).toEqual({ kind: 'json', value: { hello: 'Ada' } });
    console.log(JSON.stringify(run, null, 1));
    await until('console', () => true);
  });
});

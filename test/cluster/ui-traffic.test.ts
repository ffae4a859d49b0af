/** The page on which the traffic of a function is split, on real Knative Serving. */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startHost } from '#host/start-host.ts';
import type { Project } from '#shared/model/project.ts';
import { launchBrowser } from '../e2e/browser.ts';
import { openWindow, whyNot, writeSource } from '../e2e/real-studio.ts';
import { makeHome, removeHome, resources } from '../integration/studio.ts';
import { whyNoKnative } from './knative/build.mjs';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';
import { visit } from './visit.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNotOwn() ?? whyNoTestCluster() ?? whyNoKnative();
const soon = { timeout: 120_000, interval: 300 };

describe.skipIf(reason !== null)(`the window and real Knative${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const ends: (() => unknown)[] = [];
  let target: OpenTarget;
  let project: Project;
  let browser: Browser;
  let url = '';

  beforeAll(async () => {
    target = await openTarget(home, {}, { knative: true });
    ends.push(() => removeHome(home), target.close);
    const { client, core } = target.studio;
    const [first] = await client.call('targets:list', {});
    if (first?.kind !== 'kubernetes') throw new Error('There is no target.');
    await client.call('targets:remove', { target: 'test' });
    await client.call('targets:add', { ...first, workload: 'knative' });
    project = await target.studio.project('greet', "export default () => ({ word: 'one' });");
    const { rendererDir } = resources;
    const served = await startHost({ engine: core, rendererDir, roots: ['/'], log: () => undefined });
    ends.push(served.close);
    url = served.url;
    browser = await launchBrowser();
    ends.push(() => browser.close());
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  it('split its requests between two revisions, and lead them all to the newest again', async () => {
    const page = await openWindow(browser, url);
    page.setDefaultTimeout(90_000);
    const view = page.getByRole('main', { name: 'Deployed functions' });
    const revisions = view.getByRole('region', { name: 'Revisions and traffic' });
    await page.keyboard.press('Control+Alt+d');
    await view.getByText('Deployed to test').waitFor();
    await revisions.getByRole('row', { name: /^latest 100 %/ }).waitFor();
    writeSource(join(project.dir, 'handler.ts'), "export default () => ({ word: 'two' });");
    await page.keyboard.press('Control+Alt+d');
    await revisions.getByText('Whichever is the newest, now 2').waitFor();
    await view.getByText('Deployed to test').waitFor();

    const service = async () => JSON.parse(await target.cluster.kubectl('get', 'ksvc/greet', '-o', 'json'));
    const answers = async (count: number) => {
      const seen = new Map<string, number>();
      for (let number = 0; number < count; number += 1) {
        const answer = await visit(target.cluster, 'http://greet.default.functions.test');
        seen.set(answer, (seen.get(answer) ?? 0) + 1);
      }
      return seen;
    };
    const one = '200 {"word":"one"}';
    const two = '200 {"word":"two"}';
    await vi.waitFor(async () => expect([...(await answers(5)).keys()]).toEqual([two]), soon);

    const split = async () => {
      await revisions.getByRole('button', { name: 'Split', exact: true }).click();
      const dialog = page.getByRole('dialog', { name: 'Split the traffic of greet on test?' });
      await dialog.getByRole('button', { name: 'Split' }).click();
    };
    await revisions.getByRole('button', { name: 'Split the traffic' }).click();
    await revisions.getByLabel('Share of the newest revision in %').fill('50');
    await revisions.getByLabel('Share of revision 1 in %').fill('50');
    await split();
    await revisions.getByRole('row', { name: /^latest 50 %/ }).waitFor();
    await revisions.getByRole('row', { name: /^2 as latest/ }).waitFor();
    await revisions.getByRole('row', { name: /^1 50 %/ }).waitFor();
    const shared = await service();
    expect(shared.spec.traffic).toEqual([
      { latestRevision: true, percent: 50 },
      { revisionName: 'greet-00001', latestRevision: false, percent: 50 },
    ]);
    // The ingress learns of it a moment later. Of 40 requests fewer than 5 of one kind are less likely than one in a million.
    await vi.waitFor(async () => expect([...(await answers(6)).keys()].sort()).toEqual([one, two]), soon);
    const seen = await answers(40);
    expect([...seen.keys()].sort()).toEqual([one, two]);
    expect(Math.min(...seen.values())).toBeGreaterThanOrEqual(5);
    if (process.env.FIRSTLIGHT_SHOTS !== undefined) {
      await page.screenshot({ path: join(process.env.FIRSTLIGHT_SHOTS, 'traffic-split.png') });
    }

    await revisions.getByRole('button', { name: 'Split the traffic' }).click();
    await revisions.getByRole('button', { name: 'All to the newest' }).click();
    await split();
    await revisions.getByRole('row', { name: /^latest 100 %/ }).waitFor();
    expect((await service()).spec.traffic).toEqual([{ latestRevision: true, percent: 100 }]);
    await vi.waitFor(async () => expect([...(await answers(10)).keys()]).toEqual([two]), soon);
    await page.context().close();
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCore } from '#core/engine/create-core.ts';
import { startHost } from '#host/start-host.ts';
import { launchBrowser } from '../e2e/browser.ts';
import { openWindow, whyNot } from '../e2e/real-studio.ts';
import { makeHome, removeHome, resources } from '../integration/studio.ts';
import { startTestCluster, type TestCluster, whyNoTestCluster } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster();

describe.skipIf(reason !== null)(`the window and a cluster${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const ends: (() => unknown)[] = [];
  let cluster: TestCluster;
  let browser: Browser;
  let url = '';
  let kubeconfig = '';

  beforeAll(async () => {
    cluster = await startTestCluster();
    ends.push(() => removeHome(home), cluster.stop);
    const { host, auth, user, password } = cluster.registry;
    const docker = join(home, 'docker');
    mkdirSync(docker, { recursive: true });
    writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    const secret = ['create', 'secret', 'docker-registry', 'pull', `--docker-server=${host}`];
    await cluster.kubectl(...secret, `--docker-username=${user}`, `--docker-password=${password}`);
    // A window may name one that names no other file.
    kubeconfig = join(home, 'flat.kubeconfig');
    writeFileSync(kubeconfig, await cluster.kubectl('config', 'view', '--flatten', '--raw'));
    const env = { ...process.env, DOCKER_CONFIG: docker };
    const core = await createCore({ resources, accel: 'tcg', home, env });
    ends.push(core.close);
    const context = { signal: new AbortController().signal, progress: () => undefined };
    await core.calls['projects:create']({ name: 'hello', template: 'hello', dir: join(home, 'hello') }, context);
    const served = await startHost({
      engine: core,
      rendererDir: resources.rendererDir,
      roots: ['/'],
      log: () => undefined,
    });
    ends.push(served.close);
    url = served.url;
    browser = await launchBrowser();
    ends.push(() => browser.close());
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  it('go from the button to a function that answers there, its log and its cold start', async () => {
    const page = await openWindow(browser, url);
    page.setDefaultTimeout(60_000);
    await page.getByRole('button', { name: 'Where to deploy' }).click();
    await page.getByRole('menuitem', { name: /Add a cluster/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a cluster' });
    await dialog.getByLabel('Name').first().fill('staging');
    await dialog.getByLabel('Registry for images').fill(cluster.registry.repository);
    await dialog.getByLabel('Kubeconfig').fill(kubeconfig);
    await dialog.getByText('A registry that needs more').click();
    await dialog.getByLabel('Secret with which nodes pull').fill('pull');
    await dialog.getByLabel('Certificate of its authority').fill(cluster.registry.caPath ?? '');
    await dialog.getByRole('button', { name: 'Add' }).click();
    const view = page.getByRole('main', { name: 'Deployed functions' });
    await view.getByRole('cell', { name: /^Kubernetes v1\.34/ }).waitFor();

    await page.keyboard.press('Control+Alt+d');
    await view.getByText('Deployed to staging').waitFor();
    const state = view.getByRole('status', { name: 'State' });
    await state.getByText('1 of 1 replicas ready').waitFor();
    await view
      .getByText(/firstlight: the guest runs (?:emulated|under KVM)/)
      .first()
      .waitFor();
    const timeline = view.getByRole('application');
    await timeline.waitFor();
    expect(await timeline.getAttribute('aria-label')).toMatch(/prepare/);
    await view.getByRole('button', { name: 'Call', exact: true }).click();
    await view.getByRole('status', { name: 'Answer' }).getByText('"world"').waitFor();

    await view.getByRole('button', { name: 'Open the console' }).click();
    const console = view.getByRole('region', { name: 'Console of hello' });
    await console.getByText('attached', { exact: true }).waitFor();
    await console
      .getByText(/firstlight: the guest runs (?:emulated|under KVM)/)
      .first()
      .waitFor();

    await view.getByRole('button', { name: 'One replica less' }).click();
    await console.getByText('ended', { exact: true }).waitFor();
    await view.getByText('No pod runs').waitFor();
    await cluster.kubectl('scale', 'deployment/hello', '--replicas=1');
    await state.getByText('1 of 1 replicas ready').waitFor();

    await view.getByRole('button', { name: 'Undeploy' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undeploy' }).click();
    await view.getByText('No function is deployed here.').waitFor();
    await expect(cluster.kubectl('get', 'deployment', 'hello')).rejects.toThrow(/not found/);
  });
});

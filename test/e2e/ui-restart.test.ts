import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient } from '#shared/contract/client.ts';
import type { Engine } from '#shared/contract/index.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { serve } from '../../cli/commands/serve.ts';
import type { Session } from '../../cli/session.ts';
import { createFakeEngine } from '../fixtures/fake-engine.ts';
import { launchBrowser, until } from './ui-harness.ts';

const home = mkdtempSync(join(tmpdir(), 'restart-'));
let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  rmSync(home, { recursive: true, force: true });
});

/** `firstlight serve` over its own fake engine, in the same home each time. */
async function startServe(): Promise<{ url: string; ran: () => number; stop: () => Promise<void> }> {
  const fake = createFakeEngine();
  let ran = 0;
  const run = fake.calls['instances:run'];
  const calls: Engine['calls'] = {
    ...fake.calls,
    'instances:run': (input, context) => {
      ran += 1;
      return run(input, context);
    },
  };
  const engine: Engine = { calls, streams: fake.streams, listen: fake.listen };
  const ports = createMemoryPorts();
  serveSession(engine, ports.engine);
  const abort = new AbortController();
  let url = '';
  const session = {
    io: { env: { ...process.env, FIRSTLIGHT_HOME: home } },
    json: true,
    engine,
    client: createClient(ports.client),
    signal: abort.signal,
    print: () => undefined,
    printJson: (value: { url: string }) => {
      url = value.url;
    },
    note: () => undefined,
  } as unknown as Session;
  const serving = serve(session, {}).catch((thrown: unknown) => {
    if (!abort.signal.aborted) throw thrown;
  });
  await until('it serves', () => url !== '');
  return {
    url,
    ran: () => ran,
    stop: async () => {
      abort.abort();
      await serving;
      fake.close();
    },
  };
}

it('brings the open page back after a restart, with what was typed, and runs nothing unasked', async () => {
  const first = await startServe();
  const page = await browser.newPage();
  await page.goto(first.url);
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('// typed before the restart');
  await first.stop();
  await page.getByText('The engine cannot be reached.').waitFor();
  const second = await startServe();
  expect(new URL(second.url).origin).toBe(new URL(first.url).origin);
  await page.getByText('The engine cannot be reached.').waitFor({ state: 'detached' });
  await page.locator('.monaco-editor').getByText('// typed before the restart').waitFor();
  await page.getByRole('button', { name: /^Run Ctrl/ }).waitFor();
  expect(second.ran()).toBe(0);
  await page.close();
  await second.stop();
});

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Core, createCore } from '#core/engine/create-core.ts';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { locateResources } from '#core/store/resources.ts';
import { startHost } from '#host/start-host.ts';
import { type Client, createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { whyNot as whyNoRuns } from '../integration/studio.ts';

const resources = locateResources();
const rendererDir = process.env.FIRSTLIGHT_RENDERER ?? resources.rendererDir;

/** The reason why the whole program cannot be tested here, or null when it can. */
export function whyNot(): string | null {
  if (!existsSync('/usr/bin/chromium')) return 'no Chromium';
  if (!existsSync(join(rendererDir, 'index.html'))) return `no built window in ${rendererDir}`;
  const workerPath = resources.pathOf(shipped.bakeWorker);
  if (!existsSync(workerPath)) return `no ${workerPath}`;
  return whyNoRuns();
}

/** The whole program except its shell: core on a real libvirt, and the host that serves its windows. */
export interface RealStudio {
  readonly core: Core;
  /** A second program's view of the same engine. */
  readonly client: Client;
  /** Every domain so far, by libvirt's name. */
  readonly domains: ReadonlySet<string>;
  readonly url: () => string;
  readonly stopHost: () => Promise<void>;
  readonly restartHost: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startReal(home: string): Promise<RealStudio> {
  const core = await createCore({ resources, accel: 'tcg', home });
  const ports = createMemoryPorts();
  serveSession(core, ports.engine);
  const client = createClient(ports.client);
  const domains = new Set<string>();
  client.subscribe('instances:changed', ({ instance }) => void domains.add(instance.domain));
  const start = (port?: number, token?: string) =>
    startHost({ engine: core, rendererDir, port, token, roots: ['/'], log: () => undefined });
  let host = await start();
  const { token } = host;
  const port = Number(new URL(host.origin).port);
  return {
    core,
    client,
    domains,
    url: () => host.url,
    stopHost: () => host.close(),
    restartHost: async () => {
      host = await start(port, token);
    },
    close: async () => {
      ports.client.close();
      await host.close();
      await core.close();
    },
  };
}

/** A separate window, like another person's browser. */
export async function openWindow(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(url);
  await page.locator('.monaco-editor .view-line').first().waitFor();
  return page;
}

/** Waits until a condition is true. Errors: throws after half a minute, which is enough on a busy machine, or `patienceMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, patienceMs = 30_000): Promise<void> {
  for (const end = Date.now() + patienceMs; Date.now() < end; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Not within ${patienceMs / 1000} s: ${what}`);
}

/** The ones of these domains that libvirt still has. */
export function alive(domains: Iterable<string>): string[] {
  const running = execFileSync('virsh', ['list', '--all', '--name'], { encoding: 'utf8' }).split('\n');
  return [...domains].filter((name) => running.includes(name));
}

/** Unfinished files below a folder, and sockets: these must never be left behind. */
export function leftovers(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return leftovers(path);
    return entry.isSocket() || /\.(tmp|part|partial)\b|\.\d{5,}$/.test(entry.name) ? [path] : [];
  });
}

/** Writes a file so that its time changes even when an earlier write was in the same millisecond. */
export function writeSource(path: string, text: string): void {
  const before = existsSync(path) ? statSync(path).mtimeMs : 0;
  do writeFileSync(path, text);
  while (statSync(path).mtimeMs === before);
}

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Core, type CoreOptions, createCore } from '#core/engine/create-core.ts';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { locateResources } from '#core/store/resources.ts';
import { type Client, createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import type { Project } from '#shared/model/project.ts';

export const resources = locateResources();

/** The reason why real runs cannot be tested here, or null when they can. */
export function whyNot(): string | null {
  const kernelPath = resources.pathOf(shipped.emberKernel);
  if (!existsSync(kernelPath)) return `no guest kernel at ${kernelPath}`;
  if (!existsSync('/usr/bin/qemu-system-x86_64')) return 'no QEMU';
  if (process.getuid?.() === 0 && !existsSync('/run/libvirt/libvirt-sock')) return 'no libvirt daemon';
  return null;
}

/** A core with a separate home, and a client like the app's. */
export interface Studio {
  readonly home: string;
  readonly core: Core;
  readonly client: Client;
  /** A project whose handler.ts is `source`. */
  readonly project: (name: string, source: string, config?: object) => Promise<Project>;
  readonly close: () => Promise<void>;
}

/** Short, since a socket's path has at most 107 bytes, and accessible to QEMU's user. */
export function makeHome(): string {
  const home = mkdtempSync('/var/tmp/fl-it-');
  chmodSync(home, 0o755);
  return home;
}

export async function openStudio(options: Partial<CoreOptions> & { home: string }): Promise<Studio> {
  const { home } = options;
  const core = await createCore({ resources, accel: 'tcg', ...options });
  const ports = createMemoryPorts();
  serveSession(core, ports.engine);
  const client = createClient(ports.client);
  return {
    home,
    core,
    client,
    project: async (name, source, config = {}) => {
      const dir = join(home, 'p', name);
      await client.call('projects:create', { name, template: 'hello', dir });
      writeFileSync(join(dir, 'handler.ts'), source);
      writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ name, ...config }));
      return await client.call('projects:open', { dir });
    },
    close: async () => {
      ports.client.close();
      await core.close();
    },
  };
}

export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true });
}

/** Names of our running domains, from virsh. */
export function domains(): string[] {
  return execFileSync('virsh', ['list', '--name'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.startsWith('firstlight-'));
}

/** Waits until a condition is true. Errors: throws after `ms`. */
export async function until(what: string, look: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${ms} ms in vain until ${what}`);
}

/** The process of a domain. */
export function qemuPid(domain: string): number {
  const pids = execFileSync('pgrep', ['-f', `guest=${domain},`], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return Number(pids[0]);
}

import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCore } from '#core/engine/create-core.ts';
import { locateResources } from '#core/store/resources.ts';
import { type Client, createClient } from '#shared/contract/client.ts';
import type { Engine } from '#shared/contract/index.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import type { Accel, Instance } from '#shared/model/instance.ts';
import type { Project } from '#shared/model/project.ts';
import type { InstanceId, ProjectId } from '#shared/model/units.ts';
import { makeOwnedDir } from '../../build/owned-dirs.mjs';
import { benchUri } from './machine.ts';

/** An engine with a separate home, and a client that uses it like the app. */
export interface Studio {
  readonly home: string;
  readonly engine: Engine;
  readonly client: Client;
  /** A new project from a template, in the studio's home. */
  readonly createProject: (name: string, template?: string) => Promise<Project>;
  /** The paused instance that waits for the next run, once it exists. Errors: throws after 30 s. */
  readonly waitForPrestarted: (projectId: ProjectId) => Promise<Instance>;
  /** Ends an instance and waits until libvirt has removed it: the next measurement has the machine to itself. */
  readonly removeInstance: (instanceId: InstanceId) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Shape: `accel` absent: each runtime's own choice. */
export async function openStudio(accel?: Accel): Promise<Studio> {
  // Short, because a Unix socket's path has at most 107 bytes; others may enter it, because QEMU may run as another
  // user.
  const home = await makeOwnedDir('/tmp/fl-bench-');
  chmodSync(home, 0o711);
  const core = await createCore({ resources: locateResources(), home, uri: benchUri, accel });
  const ports = createMemoryPorts();
  serveSession(core, ports.engine);
  const client = createClient(ports.client);

  async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const giveUpAt = Date.now() + 30_000; Date.now() < giveUpAt; await sleep(20)) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error(`waited 30 s in vain for ${what}`);
  }
  const find = async (matches: (instance: Instance) => boolean) =>
    (await client.call('instances:list', {})).find(matches);

  return {
    home,
    engine: core,
    client,
    createProject: (name, template = 'hello') =>
      client.call('projects:create', { name, template, dir: join(home, 'projects', name) }),
    waitForPrestarted: (projectId) =>
      until('a prestarted instance', () => find((it) => it.projectId === projectId && it.state === 'prestarted')),
    removeInstance: async (instanceId) => {
      await client.call('instances:remove', { instanceId });
      await until('an instance to end', async () => ((await find((it) => it.id === instanceId)) ? undefined : true));
    },
    close: async () => {
      ports.client.close();
      await core.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

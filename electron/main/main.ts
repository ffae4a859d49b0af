import { join } from 'node:path';
import { app } from 'electron';
import { createCore } from '#core/engine/create-core.ts';
import { locateResources } from '#core/store/resources.ts';
import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { setupAppProtocol, setupScheme } from './app-protocol.ts';
import { setupContract } from './contract.ts';
import { setupDialogs } from './dialogs.ts';
import { setupLockDown, setupPermissions } from './lock-down.ts';
import { setupMenu } from './menu.ts';
import { setupQuit } from './quit.ts';
import { setupSample } from './sample.ts';
import { setupSingleInstance } from './single-instance.ts';
import { createWindow } from './window.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

async function start(): Promise<void> {
  if (!setupSingleInstance()) return app.quit();
  setupScheme();
  setupLockDown();
  await app.whenReady();

  const resources = locateResources();
  const core = await createCore({ resources, env: process.env, log });
  // The sample speaks to the core as every client does.
  const ports = createMemoryPorts();
  serveSession(core, ports.engine);
  const client = createClient(ports.client);

  setupPermissions();
  setupAppProtocol(resources.rendererDir);
  setupContract(core, log);
  setupDialogs();
  setupMenu();
  const window = createWindow(join(resources.rendererDir, '../electron/preload.cjs'));
  setupQuit([core.close, window.placeKept], log);
  // `npm start` opens the studio on the sample each time; the installed program only at first.
  await setupSample(client, process.argv.includes('--sample'), log);
}

start().catch((error: unknown) => {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  app.exit(1);
});

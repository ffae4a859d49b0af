import { dirname, join } from 'node:path';
import { app, dialog } from 'electron';
import { createCore } from '#core/engine/create-core.ts';
import { limitRoots } from '#core/engine/limit-roots.ts';
import { createLayout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { type Client, createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { setupAppProtocol, setupScheme } from './app-protocol.ts';
import { setupContract } from './contract.ts';
import { setupCrashReports, setupRecovery } from './crashes.ts';
import { setupDialogs } from './dialogs.ts';
import { setupLockDown, setupPermissions } from './lock-down.ts';
import { setupMenu } from './menu.ts';
import { createPickedPaths, foldersIn } from './picked-paths.ts';
import { setupQuit } from './quit.ts';
import { setupSample } from './sample.ts';
import { markUnsandboxed } from './sandbox.ts';
import { setupSingleInstance } from './single-instance.ts';
import { setupUpdates } from './updates.ts';
import { createWindow } from './window.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

async function start(): Promise<void> {
  const layout = createLayout({ env: process.env, uid: process.getuid?.() ?? 0 });
  app.setPath('userData', join(layout.dataDir, 'desktop'));
  setupCrashReports(join(layout.dataDir, 'desktop', 'crashes'));
  const args = ownArguments();
  const named = foldersIn(args, process.cwd());
  const picked = createPickedPaths([layout.projectsDir, ...named]);
  let client: Client | undefined;
  const openFolders = async (folders: readonly string[]) => {
    for (const dir of folders) {
      picked.add(dir);
      await client?.call('projects:open', { dir }).catch((thrown) => log(toFirstlightError(thrown).message));
    }
  };
  if (!setupSingleInstance(named, (folders) => void openFolders(folders))) return app.quit();
  setupScheme();
  setupLockDown(log);
  await app.whenReady();

  const resources = locateResources();
  const core = await createCore({ resources, env: process.env, log });
  // The sample and the command line use the core as every client does.
  const ports = createMemoryPorts();
  serveSession(core, ports.engine);
  client = createClient(ports.client);
  for (const { dir } of await client.call('projects:list', {})) picked.add(dir);

  setupPermissions();
  setupAppProtocol(resources.rendererDir);
  const hint =
    'Choose it with the dialog (File, Open Folder…), or start the studio with it: firstlight-studio <folder>';
  setupContract(
    limitRoots(core, picked.list, () => hint),
    log,
  );
  setupDialogs(picked.add);
  setupMenu();
  await openFolders(named);
  const { window, placeKept } = createWindow(join(resources.rendererDir, '../electron/preload.cjs'));
  markUnsandboxed(window, log);
  setupRecovery(window, log);
  setupQuit([core.close, placeKept], log);
  setupUpdates({
    manifestPath: join(dirname(resources.schemaPath), '../package.json'),
    resourcesPath: process.resourcesPath,
    env: process.env,
    log,
    beforeInstall: core.close,
    askToRestart: async (version) => {
      const { response } = await dialog.showMessageBox(window, {
        message: `Firstlight ${version} is ready.`,
        detail: 'It is installed when the studio starts again. Running instances that are not kept end.',
        buttons: ['Later', 'Restart now'],
        defaultId: 0,
        cancelId: 0,
      });
      return response === 1;
    },
  });
  // `npm start` opens the studio on the sample each time; the installed program only at its first start.
  if (named.length === 0) await setupSample(client, args.includes('--sample'), log);
}

/** The command line without the program, and without its folder where Electron's own binary runs it. */
function ownArguments(): string[] {
  if (app.isPackaged) return process.argv.slice(1);
  const ownFolder = process.argv.indexOf(app.getAppPath());
  return process.argv.slice(ownFolder === -1 ? 2 : ownFolder + 1);
}

start().catch((error: unknown) => {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  app.exit(1);
});

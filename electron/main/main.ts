import { writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { app, dialog } from 'electron';
import { createCore } from '#core/engine/create-core.ts';
import { limitPrograms } from '#core/engine/limit-programs.ts';
import { limitRoots } from '#core/engine/limit-roots.ts';
import { takeLoginPath } from '#core/exec/login-path.ts';
import { createLayout } from '#core/store/layout.ts';
import { locateResources, type Resources } from '#core/store/resources.ts';
import { type Client, createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';
import { serveSession } from '#shared/contract/session.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { setupAppProtocol, setupScheme } from './app-protocol.ts';
import { type OpenRequest, readCommandLine, renderRefusal } from './command-line.ts';
import { setupContract } from './contract.ts';
import { setupCrashReports, setupRecovery } from './crashes.ts';
import { setupDialogs } from './dialogs.ts';
import { setupLockDown, setupPermissions } from './lock-down.ts';
import { setupMenu } from './menu.ts';
import { createPickedPaths } from './picked-paths.ts';
import { guardQuit, setupQuit, setupSignals } from './quit.ts';
import { setupSample } from './sample.ts';
import { markUnsandboxed } from './sandbox.ts';
import { setupSingleInstance } from './single-instance.ts';
import { setupUpdates } from './updates.ts';
import { createWindow } from './window.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

async function start(resources: Resources, { folders, sample }: OpenRequest): Promise<void> {
  setupSignals();
  app.once('will-quit', guardQuit);
  const layout = createLayout({ env: process.env, uid: process.getuid?.() ?? 0 });
  app.setPath('userData', join(layout.dataDir, 'desktop'));
  setupCrashReports(join(layout.dataDir, 'desktop', 'crashes'));
  const picked = createPickedPaths([layout.projectsDir, ...folders]);
  let client: Client | undefined;
  const openFolders = async (dirs: readonly string[]) => {
    for (const dir of dirs) {
      picked.add(dir);
      await client?.call('projects:open', { dir }).catch((thrown) => log(toFirstlightError(thrown).message));
    }
  };
  if (!setupSingleInstance(folders, (others) => void openFolders(others))) return app.quit();
  setupScheme();
  setupLockDown(log);
  // The window does not wait for it.
  const pathReady = takeLoginPath(process.env);
  await app.whenReady();

  const core = await createCore({ resources, env: process.env, log, pathReady });
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
    limitPrograms(
      limitRoots(core, picked.list, () => hint),
      picked.isPickedAlone,
    ),
    log,
  );
  setupDialogs(picked.add);
  setupMenu();
  await openFolders(folders);
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
  if (folders.length === 0) await setupSample(client, sample, log);
}

/** The command line without the program, and without its folder where Electron's own binary runs it. */
function ownArguments(): string[] {
  if (app.isPackaged) return process.argv.slice(1);
  const ownFolder = process.argv.indexOf(app.getAppPath());
  return process.argv.slice(ownFolder === -1 ? 2 : ownFolder + 1);
}

/** Ends the program; before Electron is ready it does so at once, and needs no display. */
function printAndExit(descriptor: 1 | 2, text: string, exitCode: number): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The reader of the output is gone; the exit code remains.
  }
  app.exit(exitCode);
}

function fail(error: unknown): void {
  if (error instanceof FirstlightError) printAndExit(2, renderRefusal(error), error.exitCode);
  else printAndExit(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`, 1);
}

// The command line is read before this script returns: Electron then connects to the display.
try {
  const resources = locateResources();
  const request = readCommandLine(ownArguments(), process.cwd(), resources.version);
  if (request.kind === 'print') printAndExit(1, request.text, 0);
  else {
    start(resources, request).catch((error) => {
      guardQuit();
      fail(error);
    });
  }
} catch (error) {
  fail(error);
}

import { dialog, ipcMain } from 'electron';
import { pickDirectoryChannel, pickFileChannel } from '../preload/channel.ts';
import { isTrustedFrame } from './origin.ts';

/** Lets the page ask for a folder or a file. The page may then name the picked path to the engine. */
export function setupDialogs(onPick: (path: string) => void): void {
  const handle = (channel: string, title: string, properties: Property[]) => {
    ipcMain.handle(channel, async (event) => {
      const path = isTrustedFrame(event.senderFrame) ? await pick(title, properties) : null;
      if (path !== null) onPick(path);
      return path;
    });
  };
  handle(pickDirectoryChannel, 'Choose a folder', ['openDirectory', 'createDirectory']);
  handle(pickFileChannel, 'Choose a file', ['openFile', 'showHiddenFiles']);
}

type Property = 'openDirectory' | 'createDirectory' | 'openFile' | 'showHiddenFiles';

/** The path that a person chose, or null. */
async function pick(title: string, properties: Property[]): Promise<string | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog({ title, properties });
  return canceled ? null : (filePaths[0] ?? null);
}

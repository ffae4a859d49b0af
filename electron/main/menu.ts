import { BrowserWindow, ipcMain, Menu, type MenuItemConstructorOptions } from 'electron';
import { menuCommandChannel, menuKeysChannel } from '../preload/channel.ts';
import { isTrustedFrame } from './origin.ts';

/** The keys of the page's commands, by command, as the page writes them: `Ctrl+Shift+M`. */
type Keys = ReadonlyMap<string, string>;

/** The application's menu. The page says which keys its commands have, also when a person chooses others. */
export function setupMenu(): void {
  show(new Map());
  ipcMain.on(menuKeysChannel, (event, keys: unknown) => {
    if (isTrustedFrame(event.senderFrame)) show(readKeys(keys));
  });
}

function show(keys: Keys): void {
  const item = (label: string, command: string): MenuItemConstructorOptions => {
    const accelerator = toAccelerator(keys.get(command) ?? '');
    return {
      label,
      // The page takes the key itself, so its action is defined once, there.
      ...(accelerator === null ? {} : { accelerator, registerAccelerator: false }),
      click: () => BrowserWindow.getFocusedWindow()?.webContents.send(menuCommandChannel, command),
    };
  };
  const template: MenuItemConstructorOptions[] = [
    {
      label: 'File',
      submenu: [
        item('New Function…', 'new-function'),
        item('Open Folder…', 'open-folder'),
        item('Import…', 'import'),
        item('Save and Rebuild', 'save'),
        { type: 'separator' },
        { role: 'quit' },
      ],
    },
    { role: 'editMenu' },
    { label: 'Run', submenu: [item('Run', 'run')] },
    {
      label: 'View',
      submenu: [
        item('Command Palette…', 'palette'),
        item('Console', 'console'),
        item('Next Panel', 'next-region'),
        item('Options', 'options'),
        item('Look into the Image', 'inspect'),
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        { type: 'separator' },
        { role: 'reload' },
        { role: 'toggleDevTools' },
      ],
    },
    { role: 'windowMenu' },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}

/** The keys that a page sent, as far as they are keys. */
function readKeys(sent: unknown): Keys {
  const entries = typeof sent === 'object' && sent !== null ? Object.entries(sent) : [];
  return new Map(entries.filter(([, key]) => typeof key === 'string'));
}

/** Electron's names of keys that a page calls otherwise. */
const electronNames: Readonly<Record<string, string>> = {
  ' ': 'Space',
  '+': 'Plus',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
};
const modifiersPattern = /^(?:Ctrl\+)?(?:Alt\+)?(?:Shift\+)?/;
/** Keys of the same name in both; Electron throws on a name that it does not know. */
const knownKey = /^(?:[!-~]|F\d|F1\d|F2[0-4]|Enter|Tab|Backspace|Delete|Insert|Home|End|PageUp|PageDown)$/;

/** A key of the page as Electron writes it; null for none, and for a key that menus cannot show. */
function toAccelerator(key: string): string | null {
  const modifiers = modifiersPattern.exec(key)?.[0] ?? '';
  const last = key.slice(modifiers.length);
  const name = electronNames[last] ?? (knownKey.test(last) ? last : null);
  return name === null ? null : `${modifiers}${name}`;
}

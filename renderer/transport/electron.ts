import { type Bridge, createBridgeClient } from '#shared/contract/bridge.ts';
import type { AppMenu, Link, Transport } from './transport.ts';

/** The object that the preload script adds to the window. */
export interface PreloadApi extends Bridge {
  readonly pickDirectory?: (() => Promise<string | null>) | undefined;
  readonly pickFile?: (() => Promise<string | null>) | undefined;
  readonly setMenuKeys: AppMenu['setKeys'];
  readonly onMenuCommand: AppMenu['onCommand'];
}

declare global {
  interface Window {
    readonly firstlight?: PreloadApi | undefined;
  }
}

/** The connection to the engine in this window's main process: it lasts as long as the window. */
export function createElectronTransport(api: PreloadApi): Transport {
  const link: Link = { status: 'connected', attempt: 0, retryAtMs: null };
  return {
    kind: 'electron',
    client: createBridgeClient(api),
    link: () => link,
    onLink: () => () => undefined,
    retry: () => undefined,
    pickDirectory: api.pickDirectory,
    pickFile: api.pickFile,
    menu: { setKeys: api.setMenuKeys, onCommand: api.onMenuCommand },
  };
}

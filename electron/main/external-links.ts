import { type BrowserWindow, dialog, shell, type WebContents } from 'electron';

/** The sites of the programs it needs, which the studio's own messages link to: opened without asking. All others are shown to the person first. */
const knownHosts = new Set(['libvirt.org', 'www.qemu.org', 'nanos.org', 'docs.ops.city', 'www.electronjs.org']);

/** A link is followed only on a press of a key or a button, and one link for one press. */
const gestureMs = 1000;

/** More in a minute than anybody reads. */
const mostInAMinute = 10;
const minuteMs = 60_000;

export interface ExternalLinks {
  /** Notes that a person pressed something in the page. */
  readonly noteGesture: () => void;
  /** Opens a link in the person's own browser, if a person asked for it just now. Resolves when that is decided. */
  readonly open: (url: string) => Promise<void>;
}

/** The links of one page. A page that a stranger got to run code in could otherwise send what it knows to any address. */
export function createExternalLinks(
  window: () => BrowserWindow | null,
  log: (line: string) => void,
  now: () => number = Date.now,
): ExternalLinks {
  let gestureAt = Number.NEGATIVE_INFINITY;
  let opened: number[] = [];
  let asking = false;
  return {
    noteGesture: () => {
      gestureAt = now();
    },
    open: async (url) => {
      const at = now();
      opened = opened.filter((time) => at - time < minuteMs);
      const refusal = !isWebLink(url)
        ? 'only https links, and http ones to this machine, are opened'
        : at - gestureAt > gestureMs
          ? 'nobody clicked it'
          : opened.length >= mostInAMinute
            ? `more than ${mostInAMinute} in a minute`
            : asking
              ? 'another link is being asked about'
              : null;
      if (refusal !== null) return log(`a link was not opened (${refusal}): ${url.slice(0, 200)}`);
      gestureAt = Number.NEGATIVE_INFINITY;
      opened.push(at);
      if (!knownHosts.has(new URL(url).host)) {
        asking = true;
        const agreed = await confirm(window(), url).finally(() => {
          asking = false;
        });
        if (!agreed) return;
      }
      await shell.openExternal(url);
    },
  };
}

/** Tells gestures of a page's window from its other input: a press, not a movement. */
export function watchGestures(contents: WebContents, noteGesture: () => void): void {
  contents.on('input-event', (_, { type }) => {
    if (type === 'mouseDown' || type === 'keyDown' || type === 'rawKeyDown' || type === 'touchStart') noteGesture();
  });
}

async function confirm(window: BrowserWindow | null, url: string): Promise<boolean> {
  const options = {
    type: 'question' as const,
    message: 'Open this link in your browser?',
    detail: url.length > 500 ? `${url.slice(0, 500)}…` : url,
    buttons: ['Cancel', 'Open'],
    defaultId: 0,
    cancelId: 0,
  };
  const { response } = await (window === null
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options));
  return response === 1;
}

/** A function's own server, which its console names, speaks http on the loopback interface. */
const loopbackNames = new Set(['127.0.0.1', 'localhost', '[::1]']);

function isWebLink(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && loopbackNames.has(hostname));
}

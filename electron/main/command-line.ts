import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirstlightError } from '#shared/errors.ts';

/** A request to open the studio. */
export interface OpenRequest {
  readonly kind: 'open';
  /** Shape: absolute paths. */
  readonly folders: readonly string[];
  /** Whether the sample is run also at a later start, as `npm start` wants. */
  readonly sample: boolean;
}

/** The request of a command line: open the studio, or print a text and end. */
export type Request = OpenRequest | { readonly kind: 'print'; readonly text: string };

/**
 * Options of Electron and Chromium that people give to desktop programs: on displays, graphics, proxies, languages and
 * faults. Chromium reads them itself. There is no full list: it has thousands, and ignores those that it does not know.
 */
const chromiumOptions = [
  ...['no-sandbox', 'disable-setuid-sandbox', 'disable-gpu-sandbox', 'test-type', 'disable-dev-shm-usage'],
  ...['display', 'ozone-platform', 'ozone-platform-hint', 'enable-wayland-ime', 'gtk-version', 'class', 'name'],
  ...['force-device-scale-factor', 'high-dpi-support', 'force-dark-mode', 'force-high-contrast', 'lang'],
  ...['disable-gpu', 'disable-gpu-compositing', 'disable-software-rasterizer', 'in-process-gpu', 'use-gl', 'use-angle'],
  ...['ignore-gpu-blocklist', 'force-renderer-accessibility', 'disable-smooth-scrolling', 'disable-pinch'],
  ...['enable-features', 'disable-features', 'enable-blink-features', 'disable-blink-features', 'js-flags'],
  ...['proxy-server', 'proxy-bypass-list', 'proxy-pac-url', 'no-proxy-server', 'host-rules', 'host-resolver-rules'],
  ...['auth-server-whitelist', 'auth-negotiate-delegate-whitelist', 'disable-http2', 'disk-cache-size'],
  ...['password-store', 'user-data-dir', 'enable-logging', 'log-file', 'log-level', 'log-net-log', 'v', 'vmodule'],
  ...['remote-debugging-port', 'remote-debugging-pipe', 'remote-allow-origins', 'inspect', 'inspect-brk'],
];

const help = `Usage: firstlight-studio [options] [folder...]

Open the studio, and in it these folders. Where one is open already, it gets the folders.

Options:
  --help       print this help
  --version    print the version

Options of Electron and Chromium work as well: --ozone-platform, --disable-gpu, --proxy-server, --lang …
The command line program is \`firstlight\`; the settings are in the studio (Ctrl+,).
`;

/**
 * The request of a command line, without the program and its own folder.
 *
 * Errors: BAD_INPUT for an unknown option or a path that is not a folder, NOT_FOUND for a path that does not exist.
 */
export function readCommandLine(args: readonly string[], cwd: string, version: string): Request {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const isOption = (arg: string) => arg.startsWith('-') && arg !== '-';
  const options = args.slice(0, end).filter(isOption);
  const paths = [...args.slice(0, end).filter((arg) => !isOption(arg)), ...args.slice(end + 1)];
  if (options.some((option) => option === '--help' || option === '-h')) return { kind: 'print', text: help };
  if (options.some((option) => option === '--version' || option === '-V'))
    return { kind: 'print', text: `${version}\n` };
  for (const option of options) checkOption(option);
  return {
    kind: 'open',
    folders: paths.map((path) => resolve(cwd, toPath(path))).map(checkFolder),
    sample: options.includes('--sample'),
  };
}

/** The text on standard error about a command line that has an error. */
export const renderRefusal = ({ code, message, hint }: FirstlightError): string =>
  `error[${code}] ${message}\n${hint === undefined ? '' : `hint ${hint}\n`}`;

function checkOption(option: string): void {
  if (option === '--sample') return;
  const name = option.replace(/^--?/, '').replace(/=.*$/s, '');
  if (chromiumOptions.includes(name)) return;
  throw new FirstlightError('BAD_INPUT', `The option ${option} is unknown.`, {
    hint: '`firstlight-studio --help` lists the options.',
  });
}

/** A path as it was given: a desktop gives what is dropped on the program's icon as a URL. Errors: BAD_INPUT. */
function toPath(given: string): string {
  if (!given.startsWith('file:')) return given;
  try {
    return fileURLToPath(given);
  } catch (cause) {
    throw new FirstlightError('BAD_INPUT', `${given} is not the URL of a file of this machine.`, {
      hint: 'Name the folder by its path.',
      cause,
    });
  }
}

function checkFolder(path: string): string {
  const found = lookAt(path);
  if (found?.isDirectory()) return path;
  throw found === undefined
    ? new FirstlightError('NOT_FOUND', `${path} does not exist.`, {
        hint: 'Start `firstlight-studio` without it and choose New function to create one.',
      })
    : new FirstlightError('BAD_INPUT', `${path} is not a folder.`, {
        hint: "Name the project's folder, which has its firstlight.json.",
      });
}

/** The kind of a file; undefined when there is none. Errors: BAD_INPUT. */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new FirstlightError('BAD_INPUT', `${path} cannot be opened: ${(cause as NodeJS.ErrnoException).code}.`, {
      hint: 'Name a folder that you may read.',
      cause,
    });
  }
}

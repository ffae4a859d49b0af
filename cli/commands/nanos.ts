import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { nanosVersionSchema } from '#shared/model/nanos.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

interface InstallOptions {
  readonly from?: string;
  readonly as?: string;
  readonly accept?: boolean;
}

/** Installs an official release, or a local build; the notice about binary releases is shown once. */
export async function installNanos(session: Session, version: string | undefined, options: InstallOptions) {
  const from = options.from === undefined ? undefined : resolve(session.io.cwd, options.from);
  const accept = from === undefined ? await askToAccept(session, options.accept === true) : false;
  const release = await session.call('nanos:install', {
    accept,
    ...(version !== undefined && { version: checkVersion(version) }),
    ...(from !== undefined && { from }),
    ...(options.as !== undefined && { as: checkVersion(options.as) }),
  });
  session.printJson(release);
  const { klibs, bytes } = release;
  session.print(`Nanos ${release.version} is installed (${formatBytes(bytes)}, ${klibs.length} klibs).\n`);
  session.print(release.inUse ? 'It is in use.\n' : `To use it: firstlight nanos use ${release.version}\n`);
  return 0;
}

/** Lists the releases on this machine. */
export async function listNanos(session: Session): Promise<number> {
  const { releases } = await session.call('nanos:releases', {});
  session.printJson(releases);
  if (releases.length === 0) {
    session.print('No release of Nanos is installed. Install one with: firstlight nanos install\n');
    return 0;
  }
  const rows = releases.map((release) => [
    release.version,
    release.inUse ? 'in use' : '',
    release.source,
    formatBytes(release.bytes),
    String(release.klibs.length),
    release.hasSymbols ? 'yes' : 'no',
    new Date(release.installedAt).toLocaleString('sv-SE'),
    release.digest.slice(0, 12),
  ]);
  const headings = ['VERSION', '', 'SOURCE', '>SIZE', '>KLIBS', 'SYMBOLS', 'INSTALLED', 'DIGEST'];
  session.print(renderTable(headings, rows, session.style));
  return 0;
}

/** Puts a release to use. */
export async function useNanos(session: Session, version: string): Promise<number> {
  const release = await session.call('nanos:use', { version: checkVersion(version) });
  session.printJson(release);
  session.print(`Nanos ${release.version} is in use.\n`);
  return 0;
}

/** Removes a release, and says which one is in use then. */
export async function removeNanos(session: Session, version: string): Promise<number> {
  await session.call('nanos:remove', { version: checkVersion(version) });
  const { releases } = await session.call('nanos:releases', {});
  const used = releases.find((release) => release.inUse)?.version ?? null;
  session.printJson({ removed: version, inUse: used });
  session.print(`Removed Nanos ${version}. ${used === null ? 'None is in use.' : `In use: ${used}.`}\n`);
  return 0;
}

/** Whether the notice is accepted by this command: by its option, or by an answer on a terminal. */
async function askToAccept(session: Session, accept: boolean): Promise<boolean> {
  const { io, json } = session;
  const { notice, noticeAccepted } = await session.call('nanos:releases', {});
  if (noticeAccepted) return false;
  const canAsk = !json && io.stdin.isTTY === true && io.stderr.isTTY === true;
  // The engine refuses, with the notice in its words.
  if (!accept && !canAsk) return false;
  session.note(`${notice}\n`);
  if (accept) return true;
  session.note('Go on? [y/N] ');
  const answer = await readLine(session);
  if (/^y(es)?$/i.test(answer.trim())) return true;
  throw new FirstlightError('NOTICE_NOT_ACCEPTED', 'Nothing was installed: the notice was not accepted.', {
    hint: 'A build of your own needs no notice: firstlight nanos install --from DIR.',
  });
}

/** A line that a person types; empty when the input ends. */
function readLine({ io, signal }: Session): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: io.stdin, terminal: false });
    const end = () => lines.close();
    signal.addEventListener('abort', end, { once: true });
    let line = '';
    lines.once('line', (text) => {
      line = text;
      lines.close();
    });
    lines.once('close', () => {
      signal.removeEventListener('abort', end);
      resolve(line);
    });
  });
}

function checkVersion(version: string): string {
  const parsed = nanosVersionSchema.safeParse(version);
  if (parsed.success) return parsed.data;
  throw badInput(`"${version}" is no name of a release.`, 'A release is named like 0.1.54; a local build as you like.');
}

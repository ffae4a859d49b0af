import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { type KernelWords, kernelVersionSchema } from '#shared/model/kernel.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** The runtime whose kernels a command manages: the named one, else the only one with kernels. */
interface RuntimeOption {
  readonly runtime?: RuntimeId;
}

interface InstallOptions extends RuntimeOption {
  readonly from?: string;
  readonly as?: string;
  readonly accept?: boolean;
}

/** A runtime with a choice of kernels, and its texts about them. */
interface KernelRuntime extends KernelWords {
  readonly id: RuntimeId;
  readonly title: string;
}

/** Installs an official release, or a local build; the notice about binary releases is shown once. */
export async function installKernel(session: Session, version: string | undefined, options: InstallOptions) {
  const runtime = await findRuntime(session, options);
  const from = options.from === undefined ? undefined : resolve(session.io.cwd, options.from);
  const accept = from === undefined ? await askToAccept(session, runtime, options.accept === true) : false;
  const release = await session.call('kernels:install', {
    runtime: runtime.id,
    accept,
    ...(version !== undefined && { version: checkVersion(version) }),
    ...(from !== undefined && { from }),
    ...(options.as !== undefined && { as: checkVersion(options.as) }),
  });
  session.printJson(release);
  const { modules, bytes } = release;
  const { title, moduleWord, id } = runtime;
  session.print(`${title} ${release.version} is installed (${formatBytes(bytes)}, ${modules.length} ${moduleWord}).\n`);
  session.print(release.inUse ? 'It is in use.\n' : `To use it: firstlight ${id} use ${release.version}\n`);
  return 0;
}

/** Lists the releases on this machine. */
export async function listKernels(session: Session, options: RuntimeOption): Promise<number> {
  const { id, title, moduleWord } = await findRuntime(session, options);
  const { releases } = await session.call('kernels:list', { runtime: id });
  session.printJson(releases);
  if (releases.length === 0) {
    session.print(`No release of ${title} is installed. Install one with: firstlight ${id} install\n`);
    return 0;
  }
  const rows = releases.map((release) => [
    release.version,
    release.inUse ? 'in use' : '',
    release.source,
    formatBytes(release.bytes),
    String(release.modules.length),
    release.hasSymbols ? 'yes' : 'no',
    new Date(release.installedAt).toLocaleString('sv-SE'),
    release.digest.slice(0, 12),
  ]);
  const headings = ['VERSION', '', 'SOURCE', '>SIZE', `>${moduleWord.toUpperCase()}`, 'SYMBOLS', 'INSTALLED', 'DIGEST'];
  session.print(renderTable(headings, rows, session.style));
  return 0;
}

/** Makes a release the one in use. */
export async function useKernel(session: Session, version: string, options: RuntimeOption): Promise<number> {
  const { id, title } = await findRuntime(session, options);
  const release = await session.call('kernels:use', { runtime: id, version: checkVersion(version) });
  session.printJson(release);
  session.print(`${title} ${release.version} is in use.\n`);
  return 0;
}

/** Removes a release, and prints the one that is then in use. */
export async function removeKernel(session: Session, version: string, options: RuntimeOption): Promise<number> {
  const { id, title } = await findRuntime(session, options);
  await session.call('kernels:remove', { runtime: id, version: checkVersion(version) });
  const { releases } = await session.call('kernels:list', { runtime: id });
  const used = releases.find((release) => release.inUse)?.version ?? null;
  session.printJson({ removed: version, inUse: used });
  session.print(`Removed ${title} ${version}. ${used === null ? 'None is in use.' : `In use: ${used}.`}\n`);
  return 0;
}

/** The named runtime, or the only one with kernels. Errors: BAD_INPUT, with the names of the existing ones. */
async function findRuntime(session: Session, { runtime: named }: RuntimeOption): Promise<KernelRuntime> {
  const runtimes = await session.call('runtimes:list', {});
  const known = runtimes.flatMap(({ id, title, kernels }) => (kernels === null ? [] : [{ id, title, ...kernels }]));
  const [found, another] = known.filter(({ id }) => named === undefined || id === named);
  if (found !== undefined && another === undefined) return found;
  const ids = known.map(({ id }) => id).join(', ');
  if (named === undefined && known.length > 1) {
    throw badInput('Several runtimes have kernels to choose among.', `Name one with --runtime: ${ids}.`);
  }
  throw badInput(
    named === undefined
      ? 'No runtime has kernels to choose among.'
      : `The runtime "${named}" has no kernels to choose among.`,
    known.length === 0 ? 'Each brings its own.' : `These have: ${ids}.`,
  );
}

/** True when this command accepts the notice: by its option, or by an answer on a terminal. */
async function askToAccept(session: Session, { id }: KernelRuntime, accept: boolean): Promise<boolean> {
  const { io, json } = session;
  const { notice, noticeAccepted } = await session.call('kernels:list', { runtime: id });
  if (noticeAccepted) return false;
  const canAsk = !json && io.stdin.isTTY === true && io.stderr.isTTY === true;
  // The engine refuses, and its error contains the notice.
  if (!accept && !canAsk) return false;
  session.note(`${notice}\n`);
  if (accept) return true;
  session.note('Go on? [y/N] ');
  const answer = await readLine(session);
  if (/^y(es)?$/i.test(answer.trim())) return true;
  throw new FirstlightError('NOTICE_NOT_ACCEPTED', 'Nothing was installed: the notice was not accepted.', {
    hint: `A build of your own needs no notice: firstlight ${id} install --from DIR.`,
  });
}

/** Reads a line that a person types; empty when the input ends. */
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
  const parsed = kernelVersionSchema.safeParse(version);
  if (parsed.success) return parsed.data;
  throw badInput(
    `"${version}" is not the name of a release.`,
    'A release is named like 0.1.54; a local build as you like.',
  );
}

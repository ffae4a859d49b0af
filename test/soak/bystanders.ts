import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Domain } from 'node-libvirt';
import type { Instance } from '#shared/model/instance.ts';
import { startEngine } from './engine.ts';
import { emberFiles, makeHome, makeNanosProject, nanosDir, type SoakHome } from './home.ts';
import { deletedFilesOf, machinesOf } from './processes.ts';
import type { Tally } from './tally.ts';

/** The machines that must stay unharmed while others are killed. */
export interface Bystanders {
  /** The machines in the soaked home that belong to a living process. */
  readonly neighbourPids: ReadonlySet<number>;
  /** Checks that all exist, with their sockets and disks. */
  readonly look: () => Promise<void>;
  /** Checks that all answer, and that their consoles show their output. */
  readonly call: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Kept instances in another home, an instance of a living engine in this home, and a foreign domain.
 *
 * Errors: as for their starts.
 */
export async function startBystanders(home: SoakHome, uri: string, tally: Tally): Promise<Bystanders> {
  const other = makeHome();
  const connection = await connect({ uri });
  const name = `soak-stranger-${randomBytes(4).toString('hex')}`;
  const stranger = await connection.createDomainXml(strangerXml(name), { paused: true });
  const neighbour = startEngine(home);

  const dirs = [other.project('kept', emberFiles('kept'))];
  if (nanosDir !== undefined) dirs.push(await makeNanosProject(other, 'kept-nanos'));
  for (const dir of dirs) await other.json(['run', dir, '--keep']);
  const kept = await other.json<Instance[]>(['ps']);
  const keptPids = machinesOf(other.dir).map(({ pid }) => pid);

  const project = await neighbour.call('projects:open', { dir: home.project('neighbour', emberFiles('neighbour')) });
  const { instance } = await neighbour.call('instances:run', { projectId: project.id, lifetime: 'session' });
  const neighbourPids = new Set(machinesOf(home.dir).map(({ pid }) => pid));
  tally.expect('bystanders at the start', [keptPids.length, neighbourPids.size], [dirs.length, 1]);

  async function look(): Promise<void> {
    const machines = machinesOf(other.dir).map(({ pid }) => pid);
    tally.expect("machines of another home's kept instances", machines, keptPids);
    const own = machinesOf(home.dir).filter(({ pid }) => neighbourPids.has(pid));
    tally.expect("machines of a living engine's instances", own.length, neighbourPids.size);
    for (const pid of [...keptPids, ...neighbourPids]) {
      tally.expect(
        `files that were deleted under QEMU ${pid}`,
        [...deletedFilesOf(pid, other.dir), ...deletedFilesOf(pid, home.dir)],
        [],
      );
    }
    for (const { id } of kept)
      if (!(await isThere(connection.listDomains({ active: true }), id))) tally.harm(`${id} is gone`);
    if (!(await isThere(connection.listDomains({ active: true }), name)))
      tally.harm('a domain that is not ours is gone');
  }

  async function call(): Promise<void> {
    for (const { id, runtime } of kept) {
      const word = randomBytes(4).toString('hex');
      await invokeKept(other, id, runtime, word, tally);
    }
    if (instance === null) return;
    const word = randomBytes(4).toString('hex');
    await neighbour.consoleOf(instance.id);
    const answer = await neighbour.call('instances:invoke', { instanceId: instance.id, event: { word } });
    tally.expect('the answer of a living engine’s instance', answer.response?.body, { kind: 'json', value: { word } });
    if (!(await neighbour.consoleOf(instance.id)).includes(word)) tally.harm('a living engine lost a console');
  }

  return {
    neighbourPids,
    look,
    call,
    close: async () => {
      await neighbour.close();
      await stranger.destroy().catch((thrown: unknown) => tally.harm(`the stranger could not be ended: ${thrown}`));
      await connection.close();
      await other.close();
    },
  };
}

async function isThere(listing: Promise<Domain[]>, id: string): Promise<boolean> {
  return (await listing).some((domain) => domain.name.endsWith(id));
}

/** Invokes a kept instance by the command line, and checks for its answer. */
export async function invokeKept(
  home: SoakHome,
  id: string,
  runtime: string,
  word: string,
  tally: Tally,
): Promise<void> {
  const event = runtime === 'nanos' ? { path: `/${word}` } : { word };
  const { code, stdout, stderr } = await home.run(['invoke', id, '--event', JSON.stringify(event), '--json']);
  if (code !== 0 || !stdout.includes(word)) tally.harm(`${id} does not answer (${code}): ${stdout}${stderr}`);
  const sockets = JSON.stringify(join(home.dir, 'run/sockets'));
  if (!existsSync(join(home.dir, 'run/sockets'))) tally.harm(`${sockets} is gone`);
}

const strangerXml = (name: string) => `<domain type='qemu'>
  <name>${name}</name><uuid>${randomUUID()}</uuid><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>`;

import { findFirecracker, firecrackerHostName } from '#core/vmm/firecracker/find-firecracker.ts';
import { type StartMode, startModes } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { type EngineProcess, startEngine } from './engine.ts';
import { makeHome } from './home.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { becomes, processesOf } from './processes.ts';
import { createTally, type Tally } from './tally.ts';

const source = 'export default ({ turn }) => ({ turn, id: crypto.randomUUID(), now: Date.now() });';
/** A guest's clock begins with its host's, whole seconds aside. */
const maxClockErrorMs = 60_000;

/**
 * Starts a function in every mode in turn, under libvirt and in Firecracker where it is, each mode `count` times. Each
 * start is of the mode that was asked for, answers its own request at the present time, and has random values of its own.
 */
export async function soakModes({ count, signal, log }: SoakOptions): Promise<SoakReport> {
  const tally = createTally(log);
  const home = makeHome();
  const engine = startEngine(home);
  try {
    const dir = home.project('modes', {
      'handler.js': source,
      'firstlight.json': '{"name":"modes","entry":"handler.js"}',
    });
    const { id } = await engine.call('projects:open', { dir });
    const hasFirecracker = (await findFirecracker({ get: async () => ({}) }, process.env)) !== null;
    const hosts = [undefined, ...(hasFirecracker ? [firecrackerHostName] : [])];
    const ids = new Set<string>();
    for (let turn = 1; turn <= count && !signal.aborted; turn++) {
      for (const host of hosts)
        for (const mode of startModes)
          if (!signal.aborted) await startOnce(engine, id, { mode, host, turn, ids }, tally);
      if (turn % 10 === 0) log(`${turn}/${count} of each mode`);
    }
    tally.expect('warnings', await engine.warnings(), []);
  } finally {
    await engine.close();
    const isVmm = ({ command }: { readonly command: string }) => /^\S*(qemu-system|firecracker)/.test(command);
    const left = () => processesOf(home.dir).filter(isVmm);
    await becomes(() => left().length === 0, 90_000);
    tally.expect('machines after the engine', left(), []);
    await home.close();
  }
  return tally.report();
}

interface Start {
  readonly mode: StartMode;
  readonly host: string | undefined;
  readonly turn: number;
  /** The random values of all starts so far. */
  readonly ids: Set<string>;
}

async function startOnce(
  engine: EngineProcess,
  projectId: ProjectId,
  { mode, host, turn, ids }: Start,
  tally: Tally,
): Promise<void> {
  const name = `${host ?? 'libvirt'} ${mode}`;
  const place = host === undefined ? {} : { host };
  const request = { projectId, startMode: mode, lifetime: 'stop', event: { turn }, ...place } as const;
  const { error, startMode, response } = await engine.call('instances:run', request);
  tally.add(name);
  if (error !== null) return tally.harm(`${name} ${turn}: ${error.code}: ${error.message}`);
  if (startMode !== mode) tally.harm(`${name} ${turn}: the start was ${startMode}`);
  const body = response?.body;
  const answer = (body?.kind === 'json' ? body.value : {}) as { turn?: number; id?: string; now?: number };
  if (answer.turn !== turn) tally.harm(`${name} ${turn}: the answer was ${JSON.stringify(body)}`);
  if (ids.has(answer.id ?? '')) tally.harm(`${name} ${turn}: it repeats the random value ${answer.id}`);
  ids.add(answer.id ?? '');
  const errorMs = Math.abs((answer.now ?? 0) - Date.now());
  if (errorMs > maxClockErrorMs) tally.harm(`${name} ${turn}: its clock is off by ${errorMs} ms`);
}

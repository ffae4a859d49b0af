import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from '#shared/model/instance.ts';
import { namesIn } from './check-files.ts';
import { type EngineProcess, startEngine } from './engine.ts';
import { emberFiles, endProcess, makeHome, type SoakHome } from './home.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { becomes, deletedFilesOf, machinesOf } from './processes.ts';
import { createTally, type Tally } from './tally.ts';

/** Keeps many instances, uses every short command beside them, and ends all with one `stop --all`. */
export async function soakKept({ count, signal, log }: SoakOptions): Promise<SoakReport> {
  const tally = createTally(log);
  const home = makeHome();
  try {
    const ids = await keep(home, count, signal, log);
    tally.add('kept instances', ids.length);
    if (signal.aborted) return tally.report();
    const pids = machinesOf(home.dir).map(({ pid }) => pid);
    tally.expect('machines', pids.length, ids.length);

    await runShortCommands(home, tally);
    tally.expect(
      'machines after short commands',
      machinesOf(home.dir).map(({ pid }) => pid),
      pids,
    );
    tally.expect('folders of sockets', namesIn(join(home.dir, 'run/sockets')).length, ids.length);
    for (const pid of pids) tally.expect(`deleted files of QEMU ${pid}`, deletedFilesOf(pid, home.dir), []);
    await callAll(home, ids, tally);

    const { stopped, failed } = await home.json<{ stopped: string[]; failed: unknown[] }>(['stop', '--all']);
    tally.add('stopped by one command', stopped.length);
    tally.expect('stop --all', [stopped.length, failed.length], [ids.length, 0]);
    await becomes(() => machinesOf(home.dir).length === 0, 30_000);
    tally.expect('machines after stop --all', machinesOf(home.dir), []);
    tally.expect('instances after stop --all', await home.json(['ps']), []);
    tally.expect('folders of sockets after stop --all', namesIn(join(home.dir, 'run/sockets')), []);
  } finally {
    await home.close();
  }
  return tally.report();
}

/** Keeps instances from one engine, which is then killed: no part may need it any more. */
async function keep(
  home: SoakHome,
  count: number,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<string[]> {
  const engine = startEngine(home);
  const { id: projectId } = await engine.call('projects:open', { dir: home.project('hello', emberFiles('hello')) });
  const ids: string[] = [];
  while (ids.length < count && !signal.aborted) {
    const { instance, error } = await engine.call('instances:run', { projectId, lifetime: 'forever' });
    if (instance === null || error !== null)
      throw new Error(`Instance ${ids.length + 1} was not kept: ${error?.message}`);
    ids.push(instance.id);
    if (ids.length % 10 === 0) log(`${ids.length} kept`);
  }
  endProcess(engine.child.pid ?? 0);
  return ids;
}

/** Each of these once removed sockets or disks of running instances. */
async function runShortCommands(home: SoakHome, tally: Tally): Promise<void> {
  const link = `${home.dir}-link`;
  symlinkSync(home.dir, link);
  const commands: [args: string[], env?: Record<string, string>][] = [
    [['volume', 'ls']],
    [['ps']],
    [['runs']],
    [['projects', 'ls']],
    [['ps'], { FIRSTLIGHT_HOME: link }],
    [['ps'], { FIRSTLIGHT_URI: 'test:///default' }],
    [['ps'], { FIRSTLIGHT_URI: `qemu+unix:///system?socket=${home.dir}/no-daemon` }],
  ];
  for (const [args, env] of commands) {
    await home.run(args, { env });
    tally.add('short commands');
  }
  rmSync(link);
}

/** Attaches to all consoles at once, invokes each instance, and searches for its output there. */
async function callAll(home: SoakHome, ids: readonly string[], tally: Tally): Promise<void> {
  const engine: EngineProcess = startEngine(home);
  try {
    const listed: Instance[] = await engine.call('instances:list', {});
    tally.expect('instances that are ready', listed.filter(({ state }) => state === 'ready').length, ids.length);
    for (const id of ids) await engine.consoleOf(id);
    for (const id of ids) {
      const word = `word-${id}`;
      const { response, error } = await engine.call('instances:invoke', {
        instanceId: id as Instance['id'],
        event: { word },
      });
      if (error !== null) tally.harm(`${id} does not answer: ${error.message}`);
      else tally.expect(`the answer of ${id}`, response?.body, { kind: 'json', value: { word } });
      if (await becomes(async () => (await engine.consoleOf(id)).includes(word), 5_000))
        tally.add('consoles that showed their word');
      else tally.harm(`${id} lost its console: ${await engine.consoleOf(id)}`);
    }
  } finally {
    await engine.close();
  }
}

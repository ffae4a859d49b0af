import { readFile, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { runTool } from '#core/exec/run-tool.ts';
import { hostNow } from '#core/store/host-clock.ts';
import type { Layout } from '#core/store/layout.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { PlacedMachine } from '../machine.ts';
import { readProcessUse } from '../process-use.ts';
import { checkSocketPath, socketPathsIn } from '../socket-dir.ts';
import type { CreateOptions, RunningMachine, Vmm, VmmListener, VmmStep } from '../vmm.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { checkFirecracker } from './find-firecracker.ts';
import { firecrackerMachine } from './firecracker-machine.ts';
import { type FirecrackerProcess, foundProcess, startProcess } from './firecracker-process.ts';
import {
  type FirecrackerRequest,
  loadRequest,
  saveRequest,
  vsockChannels,
  writeFirecrackerRequests,
} from './firecracker-requests.ts';
import { apiSocketOf, describeMachine, type MachineFile, readMachineFiles, writeMachineFile } from './machine-file.ts';
import { openVsock } from './vsock-stream.ts';

export interface FirecrackerVmmOptions {
  /** The path of the program. */
  readonly program: string;
  readonly layout: Pick<Layout, 'socketsDir'>;
  readonly env: NodeJS.ProcessEnv;
  readonly listener: VmmListener;
}

interface Running {
  readonly machine: RunningMachine;
  readonly process: FirecrackerProcess;
  readonly keep: boolean;
  readonly api: () => Promise<ApiClient>;
}

/** A guest can have Firecracker log; a log that has grown beyond this is emptied. It may lie in memory. */
const maxLogBytes = 1024 * 1024;
const logPeriodMs = 5_000;
/** The length of the log's end in an error. */
const logTailBytes = 2000;

/**
 * Firecracker: a process for each machine, which is driven by its API. Machines that are not kept end with this
 * process, or are ended by the next one: each has a file beside its sockets that identifies its process.
 */
export function createFirecrackerVmm({ program, layout, env, listener }: FirecrackerVmmOptions): Vmm {
  const running = new Map<string, Running>();
  const pids = new Map<string, number>();
  let failure: FirstlightError | null = null;
  const logs = new Map<string, string>();
  const trimming = setInterval(() => {
    for (const path of logs.values()) void trimLog(path);
  }, logPeriodMs).unref();

  /** Starts a Firecracker, configured for the machine, or with a saved one loaded. */
  async function start(
    placed: PlacedMachine,
    options: CreateOptions,
    { requests, isSaved }: { readonly requests: readonly FirecrackerRequest[]; readonly isSaved: boolean },
  ): Promise<RunningMachine> {
    const apiSocket = apiSocketOf(placed);
    for (const path of [apiSocket, placed.sockets.channel]) checkSocketPath(path);
    const dir = dirname(placed.sockets.channel);
    const logPath = logPathIn(dir);
    const process = startProcess(program, { apiSocket, logPath, env });
    pids.set(placed.name, process.owner.pid);
    const steps: VmmStep[] = [];
    const step = (name: string, label: string) => steps.push({ name, label, atNs: hostNow() });
    step('vmm.started', 'Firecracker started');
    const stopEnding = endWithUs(process, options.keep);
    const opened = new Map<number, Duplex>();
    try {
      const file = describeMachine(placed, process.owner, options);
      const written = writeMachineFile(dir, file);
      written.catch(() => undefined);
      const client = await openApi(apiSocket, { ended: endedEarly(process, placed.name, logPath) });
      step('vmm.answers', 'its API answers');
      if (isSaved) step('restore.asked', 'load of the saved machine asked for');
      for (const { path, body } of requests) await client.request('PUT', path, body);
      if (isSaved) step('restore.loaded', 'saved machine loaded');
      else step('vmm.configured', 'configured');
      // The guest accepts them in this order: the function's output has its stream before a request arrives.
      const channels = vsockChannels(placed.machine).sort((a, b) => b.vsockPort - a.vsockPort);
      const opening = channels.map(async ({ vsockPort }) => {
        opened.set(vsockPort, await openVsock(placed.sockets.channel, vsockPort));
      });
      await Promise.all([written, ...opening]);
      const machine = accept(file, placed.sockets, process, async () => client, { steps, opened, isStarted: isSaved });
      void process.ended.then(() => client.close());
      return machine;
    } catch (thrown) {
      for (const stream of opened.values()) stream.destroy();
      await process.kill();
      stopEnding();
      pids.delete(placed.name);
      throw thrown;
    }
  }

  async function create(placed: PlacedMachine, options: CreateOptions): Promise<RunningMachine> {
    return await start(placed, options, { requests: writeFirecrackerRequests(placed), isSaved: false });
  }

  async function restore(placed: PlacedMachine, dir: string, options: CreateOptions): Promise<RunningMachine> {
    // Refuses a machine that Firecracker cannot have.
    writeFirecrackerRequests(placed);
    return await start(placed, options, { requests: [loadRequest(dir)], isSaved: true });
  }

  async function save(machine: RunningMachine, dir: string): Promise<void> {
    const client = await running.get(machine.uuid)?.api();
    if (client === undefined) throw new FirstlightError('INSTANCE_LOST', `${machine.name} has ended.`);
    await machine.pause();
    const { path, body } = saveRequest(dir);
    await client.request('PUT', path, body);
    await machine.kill();
  }

  /** Takes a machine into the list, and reports its end. */
  function accept(
    file: MachineFile,
    sockets: { readonly channel: string },
    process: FirecrackerProcess,
    api: () => Promise<ApiClient>,
    start: { steps: readonly VmmStep[]; opened: Map<number, Duplex>; isStarted: boolean },
  ): RunningMachine {
    let isKilled = false;
    const kill = async () => {
      isKilled = true;
      await process.kill();
    };
    const onPaused = (isPaused: boolean) => (isPaused ? listener.onPaused(file.uuid) : listener.onResumed(file.uuid));
    const machine = firecrackerMachine({ file, sockets, process: { ...process, kill }, api, onPaused, ...start });
    running.set(file.uuid, { machine, process, keep: file.keep, api });
    logs.set(file.uuid, logPathIn(dirname(sockets.channel)));
    pids.set(file.name, process.owner.pid);
    void process.ended.then((code) => {
      running.delete(file.uuid);
      logs.delete(file.uuid);
      pids.delete(file.name);
      for (const stream of start.opened.values()) stream.destroy();
      listener.onEnded(file.uuid, isKilled ? 'destroyed' : code === 0 ? 'shutdown' : 'vmm-ended');
    });
    listener.onStarted(machine);
    return machine;
  }

  /** A machine that another program started and whose process was found running. */
  function find(dir: string, file: MachineFile): RunningMachine {
    const sockets = socketPathsIn(dir);
    const process = foundProcess(file.process);
    let client: Promise<ApiClient> | null = null;
    const ended = process.ended.then((): never => {
      throw new FirstlightError('INSTANCE_LOST', 'Firecracker has ended.');
    });
    ended.catch(() => undefined);
    const api = () => {
      client ??= openApi(apiSocketOf({ sockets }), { ended });
      return client;
    };
    return accept(file, sockets, process, api, { steps: [], opened: new Map(), isStarted: true });
  }

  async function list(): Promise<RunningMachine[]> {
    await check();
    for (const [dir, file] of await readMachineFiles(layout.socketsDir)) {
      if (!running.has(file.uuid) && pids.get(file.name) === undefined) find(dir, file);
    }
    return [...running.values()].map(({ machine }) => machine);
  }

  /** Checks whether machines can be started. Running ones are found without the program, too. */
  async function check(): Promise<void> {
    const before = failure?.message;
    failure = await checkFirecracker(program).then(() => null, toFirstlightError);
    if (failure?.message !== before) listener.onState();
  }

  async function connect(): Promise<void> {
    await check();
    if (failure !== null) throw failure;
  }

  return {
    id: 'firecracker',
    uri: 'firecracker',
    get state() {
      return failure === null ? 'connected' : 'lost';
    },
    get failure() {
      return failure;
    },
    runsAsThisUser: true,
    connect,
    create,
    saving: { save, restore },
    list,
    readStats: async (machines) =>
      machines.flatMap((machine) => {
        const use = readProcessUse(pids.get(machine.name) ?? 0);
        const devices = { diskReadBytes: 0, diskWriteBytes: 0, netReceiveBytes: 0, netTransmitBytes: 0 };
        return use === null ? [] : [{ machine, atNs: hostNow(), ...use, ...devices }];
      }),
    findProcess: (name) => pids.get(name) ?? null,
    readVersions: async () => ({ firecracker: await readFirecrackerVersion(program) }),
    close: async () => {
      clearInterval(trimming);
      const ending = [...running.values()].filter(({ keep, process }) => !keep && process.piped !== null);
      await Promise.all(ending.map(({ machine }) => machine.kill()));
    },
  };
}

const logPathIn = (dir: string) => join(dir, 'firecracker.log');

/** Empties a log that is too long. Firecracker continues at its offset, which leaves a hole that takes no space. */
export async function trimLog(path: string): Promise<void> {
  try {
    const { blocks } = await stat(path);
    if (blocks * 512 > maxLogBytes) await truncate(path);
  } catch {
    // Its machine has just ended, and its folder is gone.
  }
}

/** The version of Firecracker. Errors: TOOL_MISSING, TOOL_FAILED. */
export async function readFirecrackerVersion(program: string): Promise<string> {
  const { stdout } = await runTool(program, ['--version'], { timeoutMs: 10_000 });
  return /v(\d\S*)/.exec(stdout)?.[1] ?? 'of unknown version';
}

/** Ends the process when this one exits, unless it is to be kept. Returns the function that undoes this. */
function endWithUs({ piped, ended }: FirecrackerProcess, keep: boolean): () => void {
  if (keep || piped === null) return () => undefined;
  process.once('exit', piped.kill);
  const stop = () => process.off('exit', piped.kill);
  void ended.then(stop);
  return stop;
}

/** Rejects when it ends, with its last log lines. */
function endedEarly({ ended }: FirecrackerProcess, name: string, logPath: string): Promise<never> {
  const failing = ended.then(async (code): Promise<never> => {
    const log = await readFile(logPath, 'utf8').catch(() => '');
    const words = log.trim().slice(-logTailBytes);
    throw new FirstlightError('BOOT_FAILED', `Firecracker ended before ${name} ran (${describeExit(code)}).`, {
      hint: 'Run `firstlight doctor`: it looks at Firecracker and KVM.',
      details: { subject: name, ...(words !== '' && { output: words }) },
    });
  });
  failing.catch(() => undefined);
  return failing;
}

/** Source: Firecracker's own exit codes: 148 for a system call that its filter refuses, 156 for a hang-up. */
function describeExit(code: number | null): string {
  if (code === null) return 'it was killed';
  if (code === 148) return 'exit code 148: it made a system call that its seccomp filter refuses';
  return `exit code ${code}`;
}

import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createPipedLauncher } from '#core/exec/piped-launcher.ts';
import { runTool } from '#core/exec/run-tool.ts';
import { hostNow } from '#core/store/host-clock.ts';
import type { Layout } from '#core/store/layout.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { PlacedMachine } from '../machine.ts';
import { readProcessUse } from '../process-use.ts';
import type { CreateOptions, RunningMachine, Vmm, VmmListener, VmmStep } from '../vmm.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { createBeginning } from './begin.ts';
import { checkFirecracker } from './find-firecracker.ts';
import { type JailerChoice, jailerHint } from './find-jailer.ts';
import { firecrackerMachine } from './firecracker-machine.ts';
import { type FirecrackerProcess, foundProcess } from './firecracker-process.ts';
import { saveRequest, vsockChannels } from './firecracker-requests.ts';
import { type JailIds, newJailIds, takeSaved } from './jail.ts';
import { logIn, readLog, trimLog } from './log-file.ts';
import { describeMachine, type MachineFile, readMachineFiles, socketNames, writeMachineFile } from './machine-file.ts';
import { endLeftNetworks, findNetwork, joinNetwork } from './network.ts';
import { whyNoNetwork } from './network-tools.ts';
import { openVsock } from './vsock-stream.ts';

export interface FirecrackerVmmOptions {
  /** The path of the program. */
  readonly program: string;
  /** The jailer that it is started through. */
  readonly jailer: JailerChoice;
  readonly layout: Pick<Layout, 'socketsDir' | 'disksDir'>;
  readonly env: NodeJS.ProcessEnv;
  /** The user of this process. */
  readonly uid: number;
  readonly listener: VmmListener;
  /** The user and group of a jail. Default: a user that no other machine has. */
  readonly newIds?: (() => JailIds) | undefined;
}

interface Running {
  readonly machine: RunningMachine;
  readonly process: FirecrackerProcess;
  readonly keep: boolean;
  readonly jailRoot: string | null;
  readonly api: () => Promise<ApiClient>;
}

const logPeriodMs = 5_000;

/**
 * Firecracker: a process for each machine, which is driven by its API. Machines that are not kept end with this
 * process, or are ended by the next one: each has a file beside its sockets that identifies its process.
 */
export function createFirecrackerVmm(options: FirecrackerVmmOptions): Vmm {
  const { program, jailer, layout, env, uid, listener, newIds = newJailIds } = options;
  const launcher = createPipedLauncher(env);
  const begin = createBeginning({ program, jailer, layout, env, uid, newIds, launcher });
  const running = new Map<string, Running>();
  const pids = new Map<string, number>();
  let failure: FirstlightError | null = null;
  const logs = new Map<string, readonly string[]>();
  const trimming = setInterval(() => {
    for (const path of [...logs.values()].flat()) void trimLog(path);
  }, logPeriodMs).unref();

  /** Starts a Firecracker, configured for the machine, or with a saved one loaded. */
  async function start(
    placed: PlacedMachine,
    options: CreateOptions,
    savedDir: string | null,
  ): Promise<RunningMachine> {
    const isSaved = savedDir !== null;
    const dir = dirname(placed.sockets.channel);
    const steps: VmmStep[] = [];
    const step = (name: string, label: string) => void steps.push({ name, label, atNs: hostNow() });
    const { process, jailRoot, requests, ready } = await begin({ placed, keep: options.keep, savedDir, step });
    pids.set(placed.name, process.owner.pid);
    step('vmm.started', 'Firecracker started');
    const stopEnding = endWithUs(process, options.keep);
    const opened = new Map<number, Duplex>();
    try {
      const file = describeMachine(placed, process.owner, options, jailRoot);
      const { api, vsock } = socketsOf(dir, file);
      const written = writeMachineFile(dir, file);
      written.catch(() => undefined);
      const client = await openApi(api, { ended: endedEarly(process, placed.name, logsOf(dir, file)) });
      step('vmm.answers', 'its API answers');
      await ready;
      if (isSaved) step('restore.asked', 'load of the saved machine asked for');
      for (const { path, body } of requests) await client.request('PUT', path, body);
      if (isSaved) step('restore.loaded', 'saved machine loaded');
      else step('vmm.configured', 'configured');
      // The guest accepts them in this order: the function's output has its stream before a request arrives.
      const channels = vsockChannels(placed.machine).sort((a, b) => b.vsockPort - a.vsockPort);
      const opening = channels.map(async ({ vsockPort }) => {
        opened.set(vsockPort, await openVsock(vsock, vsockPort));
      });
      await Promise.all([written, ...opening]);
      const machine = accept(file, dir, process, async () => client, { steps, opened, isStarted: isSaved });
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

  async function save(machine: RunningMachine, dir: string): Promise<void> {
    const found = running.get(machine.uuid);
    if (found === undefined) throw new FirstlightError('INSTANCE_LOST', `${machine.name} has ended.`);
    const client = await found.api();
    await machine.pause();
    const { path, body } = saveRequest(found.jailRoot === null ? dir : '');
    await client.request('PUT', path, body);
    if (found.jailRoot !== null) await takeSaved(found.jailRoot, dir);
    await machine.kill();
  }

  /** Takes a machine into the list, and reports its end. */
  function accept(
    file: MachineFile,
    dir: string,
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
    const vsockPath = socketsOf(dir, file).vsock;
    const machine = firecrackerMachine({
      file,
      dir,
      vsockPath,
      process: { ...process, kill },
      api,
      onPaused,
      ...start,
    });
    running.set(file.uuid, { machine, process, keep: file.keep, jailRoot: file.jailRoot, api });
    logs.set(file.uuid, logsOf(dir, file));
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
  function find(dir: string, file: MachineFile, network: FirecrackerProcess | null): RunningMachine {
    const alone = foundProcess(file.process);
    const process = network === null ? alone : joinNetwork(alone, network, Promise.resolve());
    let client: Promise<ApiClient> | null = null;
    const ended = process.ended.then((): never => {
      throw new FirstlightError('INSTANCE_LOST', 'Firecracker has ended.');
    });
    ended.catch(() => undefined);
    const api = () => {
      client ??= openApi(socketsOf(dir, file).api, { ended });
      return client;
    };
    return accept(file, dir, process, api, { steps: [], opened: new Map(), isStarted: true });
  }

  async function list(): Promise<RunningMachine[]> {
    check();
    const files = await readMachineFiles(layout.socketsDir);
    for (const [dir, file] of files) {
      const isKnown = () => running.has(file.uuid) || pids.get(file.name) !== undefined;
      if (isKnown()) continue;
      const network = await findNetwork(dir);
      if (!isKnown()) find(dir, file, network);
    }
    await endLeftNetworks(layout.socketsDir, new Set(files.keys()));
    return [...running.values()].map(({ machine }) => machine);
  }

  /** Checks whether machines can be started. Running ones are found without the program, too. */
  function check(): void {
    const before = failure?.message;
    failure = null;
    try {
      checkFirecracker(program);
    } catch (thrown) {
      failure = toFirstlightError(thrown);
    }
    if (failure?.message !== before) listener.onState();
  }

  async function connect(): Promise<void> {
    check();
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
    runsAsThisUser: jailer.program === null,
    confinement: jailer.program === null ? `not jailed: ${jailer.reason}` : `jailed by ${jailer.program}`,
    whyNoNetwork: () => whyNoNetwork(env, uid),
    connect,
    create: (placed, options) => start(placed, options, null),
    saving: { save, restore: (placed, dir, options) => start(placed, options, dir) },
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
      await Promise.all([launcher.close(), ...ending.map(({ machine }) => machine.kill())]);
    },
  };
}

/** The sockets of a machine: in its jail, where it has one. */
function socketsOf(dir: string, { jailRoot }: Pick<MachineFile, 'jailRoot'>): Record<keyof typeof socketNames, string> {
  const at = jailRoot ?? dir;
  return { api: join(at, socketNames.api), vsock: join(at, socketNames.vsock) };
}

/** The standard error of its process, and the log that a jailed one writes. */
const logsOf = (dir: string, { jailRoot }: Pick<MachineFile, 'jailRoot'>): string[] =>
  [dir, ...(jailRoot === null ? [] : [jailRoot])].map(logIn);

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
function endedEarly({ ended }: FirecrackerProcess, name: string, logs: readonly string[]): Promise<never> {
  const failing = ended.then(async (code): Promise<never> => {
    const words = (await Promise.all(logs.map(readLog))).join('\n').trim();
    const isJailed = logs.length > 1;
    throw new FirstlightError('BOOT_FAILED', `Firecracker ended before ${name} ran (${describeExit(code)}).`, {
      hint: `Run \`firstlight doctor\`: it looks at Firecracker and KVM.${isJailed ? ` ${jailerHint}` : ''}`,
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

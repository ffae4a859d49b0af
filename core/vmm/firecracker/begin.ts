import { dirname, join } from 'node:path';
import type { PipedLauncher } from '#core/exec/piped-launcher.ts';
import type { Layout } from '#core/store/layout.ts';
import type { PlacedMachine } from '../machine.ts';
import { checkSocketPath } from '../socket-dir.ts';
import type { JailerChoice } from './find-jailer.ts';
import {
  type FirecrackerCommand,
  type FirecrackerProcess,
  firecrackerArgs,
  startProcess,
} from './firecracker-process.ts';
import { type FirecrackerRequest, loadRequest, writeFirecrackerRequests } from './firecracker-requests.ts';
import { fillJail, fillWithSaved, type JailIds, jailedSavedDir, makeJail } from './jail.ts';
import { logIn } from './log-file.ts';
import { socketNames } from './machine-file.ts';
import { joinNetwork, type MachineNetworkProcess, startNetwork } from './network.ts';
import { whyNoNetwork } from './network-tools.ts';

export interface BeginningOptions {
  readonly program: string;
  readonly jailer: JailerChoice;
  readonly layout: Pick<Layout, 'disksDir'>;
  readonly env: NodeJS.ProcessEnv;
  readonly uid: number;
  readonly newIds: () => JailIds;
  readonly launcher: PipedLauncher;
}

export interface Beginning {
  readonly placed: PlacedMachine;
  readonly keep: boolean;
  /** The folder of the saved machine that it goes on from; null for one that boots. */
  readonly savedDir: string | null;
  readonly step: (name: string, label: string) => void;
}

/** Starts the process of a machine, in a jail where there is a jailer, and its network first, where it has one. */
export function createBeginning(options: BeginningOptions): (beginning: Beginning) => Promise<Begun> {
  const { program, jailer, layout, env, uid, newIds, launcher } = options;

  /** A Firecracker that runs as this user. Errors: STORE_UNUSABLE. */
  function prepareHere({ dir, requests, namespacePath }: Asked, savedDir: string | null): Prepared {
    for (const name of Object.values(socketNames)) checkSocketPath(join(dir, name));
    const own = firecrackerArgs(join(dir, socketNames.api), logIn(dir));
    const started =
      namespacePath === null
        ? { program, args: own }
        : { program: 'nsenter', args: [`--net=${namespacePath}`, '--', program, ...own] };
    const command = { ...started, dir, errorPath: logIn(dir) };
    return { command, jailRoot: null, requests: savedDir === null ? requests : [loadRequest(savedDir)] };
  }

  /** A Firecracker in a jail, with the files of its machine. Errors: STORE_UNUSABLE, DISK_FULL, TOOL_MISSING. */
  async function prepareJailed(asked: Asked, jailer: string, ids: JailIds, savedDir: string | null): Promise<Prepared> {
    const { dir, placed, namespacePath } = asked;
    const jail = await makeJail({ program, layout }, dir, ids, namespacePath);
    const args = [...jail.args, ...firecrackerArgs(socketNames.api, logIn(''))];
    const command = { program: jailer, args, dir, errorPath: logIn(dir) };
    const prepared = { command, jailRoot: jail.root };
    if (savedDir === null) {
      const machine = await fillJail(jail, placed.machine);
      return { ...prepared, requests: writeFirecrackerRequests({ ...placed, machine }) };
    }
    await fillWithSaved(jail, savedDir);
    return { ...prepared, requests: [loadRequest(jailedSavedDir)] };
  }

  /**
   * Errors: MACHINE_UNSUPPORTED before anything is started; STORE_UNUSABLE, DISK_FULL, TOOL_MISSING, BOOT_FAILED,
   * PORT_IN_USE.
   */
  async function begin({ placed, keep, savedDir, step }: Beginning): Promise<Begun> {
    const dir = dirname(placed.sockets.channel);
    // Refuses a machine that Firecracker cannot have.
    const requests = writeFirecrackerRequests(placed);
    const ids = jailer.program === null ? null : newIds();
    const [wanted] = placed.machine.networks.filter(({ kind }) => kind === 'user');
    let network: MachineNetworkProcess | null = null;
    if (wanted?.kind === 'user') {
      const failure = whyNoNetwork(env, uid);
      if (failure !== null) throw failure;
      step('network.asked', 'network asked for');
      network = await startNetwork(wanted, { dir, uid: ids?.uid ?? uid, keep, env });
    }
    try {
      const asked = { placed, dir, requests, namespacePath: network?.namespacePath ?? null };
      const { command, ...prepared } =
        jailer.program === null || ids === null
          ? prepareHere(asked, savedDir)
          : await prepareJailed(asked, jailer.program, ids, savedDir);
      const process = startProcess(command, launcher);
      if (network === null) return { ...prepared, process, ready: Promise.resolve() };
      const ready = network.ready.then(() => step('network.ready', 'network ready'));
      ready.catch(() => undefined);
      return { ...prepared, process: joinNetwork(process, network.process, ready), ready };
    } catch (thrown) {
      await network?.process.kill();
      throw thrown;
    }
  }

  return begin;
}

/** A machine that is asked for. */
interface Asked {
  readonly placed: PlacedMachine;
  /** The folder of its file. */
  readonly dir: string;
  readonly requests: readonly FirecrackerRequest[];
  /** The namespace of its network; null without one. */
  readonly namespacePath: string | null;
}

/** Its Firecracker as it will run, and how it is then configured. */
interface Prepared {
  readonly command: FirecrackerCommand;
  readonly jailRoot: string | null;
  readonly requests: readonly FirecrackerRequest[];
}

/** A process that answers to these requests. */
export interface Begun extends Omit<Prepared, 'command'> {
  readonly process: FirecrackerProcess;
  /** Settles when its network is there, which the requests need. Errors: BOOT_FAILED, PORT_IN_USE. */
  readonly ready: Promise<void>;
}

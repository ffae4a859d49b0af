import { accessSync, constants, mkdirSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtConnectionError } from './errors.ts';
import { spawnAlone } from './spawn-alone.ts';
import { connectTcpHere, type Transport, unixTransport } from './transport.ts';

/** A daemon program and the socket it opens. */
export interface DaemonCandidate {
  program: string;
  socketPath: string;
}

/** The per-user daemons that can serve a URI, the one to start first. */
export interface DaemonPlan {
  runtimeDir: string;
  candidates: readonly DaemonCandidate[];
}

// libvirt's own client tries 500 times, 10 ms apart; a loaded machine with two cores needs more.
const startTimeoutMs = 15_000;
const retryMs = 10;
// As in libvirt's client: the daemon exits after two minutes with no client and no domain.
const daemonArguments = ['--timeout=120'];

/** A transport over a per-user socket that starts the daemon when none listens, as libvirt's own client does. */
export function autostartTransport(plan: DaemonPlan, env: NodeJS.ProcessEnv = process.env): Transport {
  return {
    description: plan.candidates.map(({ socketPath }) => socketPath).join(' or '),
    async connect(signal) {
      for (const { socketPath } of plan.candidates) {
        const socket = await tryConnect(socketPath, signal);
        if (socket) return socket;
      }
      return await startAndConnect(plan, env, signal);
    },
    connectTcp: connectTcpHere,
  };
}

/** Connects, or returns undefined when no process listens there. */
async function tryConnect(socketPath: string, signal: AbortSignal | undefined): Promise<Duplex | undefined> {
  try {
    return await unixTransport(socketPath).connect(signal);
  } catch (error) {
    if (error instanceof LibvirtConnectionError && error.reason === 'no-daemon') return undefined;
    throw error;
  }
}

async function startAndConnect(plan: DaemonPlan, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Duplex> {
  const { program, socketPath } = findProgram(plan, env);
  const daemon = launch(program, socketPath, plan.runtimeDir, env);
  const deadline = performance.now() + startTimeoutMs;
  while (true) {
    await sleep(retryMs, undefined, signal ? { signal } : {});
    const socket = await tryConnect(socketPath, signal);
    if (socket) return socket;
    const trouble =
      daemon.failure() ?? (performance.now() > deadline ? 'it did not open its socket in time' : undefined);
    if (trouble === undefined) continue;
    throw new LibvirtConnectionError('spawn-failed', `cannot start ${program}: ${trouble}`, {
      socketPath,
      hint: `Run ${program} in a terminal to see what it says.`,
    });
  }
}

interface LaunchedDaemon {
  /** Reports why this daemon cannot start, once that is certain. */
  failure(): string | undefined;
}

// The daemon has its own lock, so two processes that start it at once are harmless: one daemon wins and both
// clients find its socket. Within a process one start at a time is enough.
const launching = new Map<string, LaunchedDaemon>();

function launch(program: string, socketPath: string, runtimeDir: string, env: NodeJS.ProcessEnv): LaunchedDaemon {
  const running = launching.get(socketPath);
  if (running) return running;
  mkdirSync(runtimeDir, { recursive: true, mode: 0o700 });
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  const child = spawnAlone(program, daemonArguments, { cwd: '/', detached: true, stdio, env });
  let failure: { message: string; atMs: number } | undefined;
  const fail = (message: string) => {
    launching.delete(socketPath);
    failure = { message, atMs: performance.now() };
  };
  child.once('error', (error) => fail(error.message));
  child.once('exit', (code, signalName) => fail(`it exited with ${signalName ?? `code ${code}`}`));
  child.unref();
  const daemon: LaunchedDaemon = {
    // A daemon that lost the race to another one exits at once; the winner may need a moment to listen.
    failure: () => (failure && performance.now() - failure.atMs > 2_000 ? failure.message : undefined),
  };
  launching.set(socketPath, daemon);
  return daemon;
}

function findProgram(plan: DaemonPlan, env: NodeJS.ProcessEnv): DaemonCandidate {
  const names = plan.candidates.map(({ program }) => program).join(' or ');
  const override = env.LIBVIRTD_PATH;
  if (override) {
    const known = plan.candidates.find(({ program }) => program === basename(override)) ?? plan.candidates[0];
    if (known) return { program: override, socketPath: known.socketPath };
  }
  const folders = [...(env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const { program, socketPath } of plan.candidates) {
    const path = folders.map((folder) => join(folder, program)).find(isExecutable);
    if (path) return { program: path, socketPath };
  }
  throw new LibvirtConnectionError(
    'no-daemon',
    `no libvirt daemon is running for this user, and no ${names} is installed`,
    {
      socketPath: plan.candidates[0]?.socketPath,
      hint: 'Install libvirt (Debian: libvirt-daemon), or set LIBVIRTD_PATH.',
    },
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // An absent and an unusable program are equal here: look in the next folder.
    return false;
  }
}

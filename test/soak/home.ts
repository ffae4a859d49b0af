import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { server } from '../integration/nanos-programs.ts';
import { becomes, processesOf } from './processes.ts';

const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');

/** The result of a command. */
export interface CliResult {
  /** The exit code; null when a signal ended the command. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly done: Promise<CliResult>;
}

/** A Firstlight with its own state, used by the command line like a person. */
export interface SoakHome {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly start: (args: readonly string[], more?: StartOptions) => RunningCli;
  readonly run: (args: readonly string[], more?: StartOptions) => Promise<CliResult>;
  /** The output of a command with `--json`. Errors: an Error with its output when it fails. */
  readonly json: <Value>(args: readonly string[], more?: StartOptions) => Promise<Value>;
  /** Writes a project, and returns its folder. */
  readonly project: (name: string, files: Readonly<Record<string, string>>) => string;
  /** Ends its instances, and removes it. */
  readonly close: () => Promise<void>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A command that takes this one as its arguments: `prlimit --nofile=64 --`. */
  readonly within?: readonly string[] | undefined;
}

/** The folder for homes: short, since a socket's path has at most 107 bytes. */
const base = '/var/tmp/fl-soak-';

/** A new home. Shape: `at` is an existing folder, such as a separate file system. */
export function makeHome(at?: string, extraEnv: Readonly<Record<string, string>> = {}): SoakHome {
  const dir = at ?? mkdtempSync(base);
  // QEMU's user needs access to this folder.
  chmodSync(dir, 0o755);
  const tmp = join(dir, 'tmp');
  mkdirSync(tmp, { mode: 0o711 });
  const env = { ...process.env, FIRSTLIGHT_HOME: dir, HOME: dir, TMPDIR: tmp, FIRSTLIGHT_LOG: '1', ...extraEnv };

  function start(args: readonly string[], { env: more, within = [] }: StartOptions = {}): RunningCli {
    const [file = '', ...rest] = [...within, process.execPath, cliPath, ...args];
    // A separate group: Ctrl-C at the terminal is for the soak, which ends its own processes.
    const child = spawn(file, rest, {
      cwd: dir,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const done = once(child, 'close').then(() => ({
      code: child.exitCode,
      stdout: Buffer.concat(out).toString(),
      stderr: Buffer.concat(err).toString(),
    }));
    return { child, done };
  }

  const run = (args: readonly string[], more?: StartOptions) => start(args, more).done;

  async function json<Value>(args: readonly string[], more?: StartOptions): Promise<Value> {
    const { code, stdout, stderr } = await run([...args, '--json'], more);
    if (code !== 0) throw new Error(`firstlight ${args.join(' ')} ended with ${code}: ${stderr || stdout}`);
    return JSON.parse(stdout) as Value;
  }

  return {
    dir,
    env,
    start,
    run,
    json,
    project: (name, files) => {
      const path = join(dir, 'p', name);
      mkdirSync(path, { recursive: true });
      for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
      return path;
    },
    close: async () => {
      const stopped = await run(['stop', '--all']);
      await becomes(() => processesOf(dir).length === 0, 15_000);
      for (const { pid } of processesOf(dir)) endProcess(pid);
      rmSync(dir, { recursive: true, force: true });
      if (stopped.code !== 0) throw new Error(`Not all instances of ${dir} could be stopped: ${stopped.stderr}`);
    },
  };
}

/** Ends a process that may have ended by itself. */
export function endProcess(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}

/** The source of a function that prints and returns its input. Shape: `salt` makes a different source. */
export const functionSource = (salt: string | number): string => `// ${salt}
export default (event: { word?: string }) => {
  console.log('word ' + event.word);
  return { word: event.word ?? 'none' };
};
`;

/** A function on Ember. */
export const emberFiles = (name: string, salt: string | number = 0) => ({
  'handler.ts': functionSource(salt),
  'firstlight.json': JSON.stringify({ name, memoryMiB: 64 }),
});

/** The folder of a build of Nanos, or undefined where there is none. */
export const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;

/** A server in C on Nanos, which answers with the requested path. Shape: the project's folder. */
export async function makeNanosProject(home: SoakHome, name: string): Promise<string> {
  await home.json(['nanos', 'install', '--from', nanosDir ?? '']);
  const config = { name, runtime: 'nanos', memoryMiB: 64, program: 'server', port: 8080 };
  const dir = home.project(name, { 'server.c': server, 'firstlight.json': JSON.stringify(config) });
  execFileSync('gcc', ['-static', '-O1', '-w', '-o', 'server', 'server.c'], { cwd: dir });
  return dir;
}

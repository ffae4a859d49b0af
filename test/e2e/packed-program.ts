/** The packed program as an ordinary user starts it, and a page of it by Chromium's debugging port. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { builderProgram, tryConfigPath } from '#build/packager/builder.mjs';
import { type Display, openDisplay, root } from './real-electron.ts';
import { until } from './real-studio.ts';

/** Debian's user without rights: libvirt needs one that the system knows. */
const user = 65534;
const dropRights = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'];

/** The packed folder, a home of that user and a display. */
export interface Packed {
  /** The packed folder. */
  readonly app: string;
  readonly home: string;
  readonly display: Display;
  /** Starts it and waits for its page. */
  readonly start: () => Promise<Started>;
  /** Runs it to its end. */
  readonly run: (args: readonly string[], env?: NodeJS.ProcessEnv) => Ended;
  /** Runs its command line to its end. */
  readonly runCli: (args: readonly string[]) => string;
  /** The processes with a program of the packed folder. */
  readonly processes: () => readonly { readonly pid: number; readonly args: string }[];
  /** Ends each process that was started for that home: libvirt's daemons stay for two minutes. */
  readonly endAll: () => void;
  readonly remove: () => Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running packed program. */
export interface Started {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  /** The value of an expression in the page. Errors: throws the expression's error. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Calls the engine as the page does. */
  readonly call: (name: string, input: object) => Promise<unknown>;
  /** Closes the page, as a person closes the window. */
  readonly closePage: () => Promise<void>;
  /** Resolves when the program has ended. Shape: its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Packs the program with `npm run dist -- --dir` without the bundling. */
export async function packProgram(): Promise<Packed> {
  const dir = mkdtempSync('/var/tmp/fl-pk-');
  chmodSync(dir, 0o755);
  const output = `-c.directories.output=${join(dir, 'packages')}`;
  const builder = [builderProgram, '--linux', '--dir', '--publish', 'never', output];
  execFileSync(process.execPath, [...builder, '--config', tryConfigPath], {
    cwd: root,
    // It leaves a cache in the temporary directory.
    env: { ...process.env, TMPDIR: dir },
    stdio: 'ignore',
  });
  const app = join(dir, 'packages/linux-unpacked');
  const home = join(dir, 'home');
  for (const path of [home, join(home, 'run')]) {
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, user, user);
  }
  const display = await openDisplay();
  const program = join(app, 'firstlight-studio');
  const env = userEnv(home, display);

  const processes = () =>
    execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => /^\s*(\d+) (\S+) +(.*)$/.exec(line))
      .flatMap((match) =>
        match === null ? [] : [{ pid: Number(match[1]), stat: match[2] ?? '', args: match[3] ?? '' }],
      )
      .filter(({ stat, args }) => args.startsWith(app) && !stat.startsWith('Z'));

  const endAll = () => {
    for (const pid of startedFor(home)) process.kill(pid, 'SIGKILL');
  };

  return {
    app,
    home,
    display,
    processes,
    endAll,
    start: () =>
      startProgram(
        spawn('setpriv', [...dropRights, program, '--disable-gpu', '--remote-debugging-port=0'], {
          env,
          cwd: home,
          stdio: ['ignore', 'ignore', 'pipe'],
        }),
      ),
    run: (args, other = env) => {
      const options = { env: other, cwd: home, encoding: 'utf8', timeout: 60_000 } as const;
      const { status: code, stdout, stderr } = spawnSync('setpriv', [...dropRights, program, ...args], options);
      return { code, stdout, stderr };
    },
    runCli: (args) =>
      execFileSync('setpriv', [...dropRights, process.execPath, join(app, 'resources/app/dist/cli.mjs'), ...args], {
        env,
        cwd: home,
        encoding: 'utf8',
      }),
    remove: async () => {
      endAll();
      await display.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** An environment without data of the person who runs the tests. */
const userEnv = (home: string, display: Display): NodeJS.ProcessEnv => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: home,
  // A Chromium that is killed leaves its folder there.
  TMPDIR: home,
  XDG_RUNTIME_DIR: join(home, 'run'),
  XDG_CONFIG_HOME: join(home, '.config'),
  XDG_CACHE_HOME: join(home, '.cache'),
  XDG_DATA_HOME: join(home, '.local/share'),
  DISPLAY: display.name,
  FIRSTLIGHT_ACCEL: 'tcg',
});

/** The processes started with a home. */
const startedFor = (home: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const env = readFileSync(`/proc/${Number(name)}/environ`, 'latin1').split('\0');
      return env.includes(`HOME=${home}`) ? [Number(name)] : [];
    } catch {
      // This is not a process, or it has just ended.
      return [];
    }
  });

async function startProgram(child: ChildProcess): Promise<Started> {
  let printed = '';
  child.stderr?.on('data', (chunk) => {
    printed += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  );
  await until('it listens', () => /ws:\/\/127\.0\.0\.1:(\d+)\//.test(printed));
  const port = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(printed)?.[1];
  let address: string | undefined;
  await until('it has a window', async () => {
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
      url: string;
      webSocketDebuggerUrl: string;
    }[];
    address = pages.find(({ url }) => url === 'app://firstlight/')?.webSocketDebuggerUrl;
    return address !== undefined;
  });
  const socket = new WebSocket(address ?? '');
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  void ended.then(() => socket.close());
  const ask = createAsk(socket);
  const evaluate = async (expression: string) => {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await ask('Runtime.evaluate', params);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result?.value;
  };
  // Chromium may drop a question to a document that another one is about to replace.
  const seen = () => Promise.race([evaluate('typeof window.firstlight').catch(() => undefined), sleep(1000)]);
  await until('the page has its bridge', async () => (await seen()) === 'object');
  return {
    child,
    stderr: () => printed,
    evaluate,
    call: (name, input) =>
      evaluate(
        `window.firstlight.call(${JSON.stringify(name)}, ${JSON.stringify(input)}, () => undefined).outcome.then((outcome) => outcome.ok ? outcome.value : Promise.reject(new Error(outcome.error.message)))`,
      ),
    closePage: async () => void (await ask('Page.close', {})),
    ended,
  };
}

interface Answer {
  readonly result?: { readonly value: unknown };
  readonly exceptionDetails?: unknown;
}

/** Sends commands of Chromium's debugging protocol and gives their answers. */
function createAsk(socket: WebSocket): (method: string, params: object) => Promise<Answer> {
  let serial = 0;
  return (method, params) => {
    const id = ++serial;
    return new Promise((resolve, reject) => {
      const listen = ({ data }: { data: unknown }) => {
        const { id: answered, result, error } = JSON.parse(String(data));
        if (answered !== id) return;
        socket.removeEventListener('message', listen);
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      };
      socket.addEventListener('message', listen);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
}

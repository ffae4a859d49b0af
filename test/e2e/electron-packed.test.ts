/** The packed program, started from another folder by an ordinary user: `npm run dist -- --dir` without bundling. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Display, openDisplay, root, whyNoElectron } from './real-electron.ts';
import { until, whyNot } from './real-studio.ts';

/** Debian's user without rights: libvirt needs one that the system knows. */
const user = 65534;
const reason = whyNoElectron() ?? whyNot() ?? (process.getuid?.() === 0 ? null : 'only root starts it as another user');
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
let dir: string;
let app: string;
let home: string;
let display: Display;
let program: ChildProcess;
let printed = '';
let socket: WebSocket;

describe.skipIf(reason !== null)(`the packed program${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    dir = mkdtempSync('/var/tmp/fl-pk-');
    chmodSync(dir, 0o755);
    const output = `-c.directories.output=${join(dir, 'packages')}`;
    const builder = ['node_modules/electron-builder/cli.js', '--linux', '--dir', '--publish', 'never', output];
    execFileSync(process.execPath, [...builder, '--config', 'build/electron-builder-try.mjs'], {
      cwd: root,
      // It leaves a cache in the temporary directory.
      env: { ...process.env, TMPDIR: dir },
      stdio: 'ignore',
    });
    app = join(dir, 'packages/linux-unpacked');
    // A link in the folder of the pages must lead nowhere.
    symlinkSync('/etc/hostname', join(app, 'resources/app/dist/renderer/link.txt'));
    home = join(dir, 'home');
    for (const path of [home, join(home, 'run')]) {
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, user, user);
    }
    display = await openDisplay();
  }, 180_000);

  afterAll(async () => {
    socket?.close();
    if (program !== undefined && program.exitCode === null) {
      const ended = new Promise((resolve) => program.once('exit', resolve));
      program.kill('SIGTERM');
      await ended;
    }
    if (home !== undefined) for (const pid of startedFor(home)) process.kill(pid, 'SIGKILL');
    await display?.close();
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  });

  it('has its fuses flipped, and no part of the Electron for tests but what its Node.js lacks', () => {
    // Not a Node.js; cookies encrypted; no NODE_OPTIONS; no --inspect; and no archive to check or to prefer.
    expect(readFuses(join(app, 'firstlight-studio')).slice(0, 6)).toBe('010000');
    expect(existsSync(join(app, 'resources/app/test-electron-loader.cjs'))).toBe(false);
  });

  it('runs its sample as an ordinary user, with its pages in the sandbox', async () => {
    if (nanosDir) asUser(['nanos', 'install', '--from', nanosDir, '--as', 'local', '--accept']);
    program = spawn(
      'setpriv',
      [...drop, join(app, 'firstlight-studio'), '--disable-gpu', '--remote-debugging-port=0'],
      { env: userEnv(), cwd: home, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    program.stderr?.on('data', (chunk) => {
      printed += chunk;
    });
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
    socket = new WebSocket(address ?? '');
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    await until('the page has its bridge', async () => (await evaluate('typeof window.firstlight')) === 'object');
    await until('the sample has run', async () => {
      const runs = (await call('runs:list', {})) as { functionName: string; outcome: string }[];
      return runs.some(({ functionName, outcome }) => functionName === 'hello' && outcome === 'ok');
    });
    expect(printed).not.toContain('WITHOUT the sandbox');
    const page = processes().find(({ args }) => args.includes('--type=renderer'));
    // A filter of system calls, and no way to gain rights.
    expect(readFileSync(`/proc/${page?.pid}/status`, 'utf8')).toMatch(/NoNewPrivs:\t1\nSeccomp:\t2/);
  }, 120_000);

  it('serves no file outside its pages, also by a link in their folder', async () => {
    const status = await evaluate("fetch('/link.txt').then(({ status }) => status)");
    expect(status).toBe(404);
    expect(await evaluate("fetch('/index.html').then(({ status }) => status)")).toBe(200);
  });

  it.skipIf(!nanosDir)(
    'runs a function on Nanos (needs FIRSTLIGHT_NANOS_DIR)',
    async () => {
      const { id } = (await call('projects:create', { name: 'on-nanos', template: 'hello', runtime: 'nanos' })) as {
        id: string;
      };
      const run = await call('instances:run', { projectId: id, event: { name: 'Ada' }, lifetime: 'session' });
      expect(run).toMatchObject({ outcome: 'ok', response: { status: 200 } });
    },
    180_000,
  );
});

/** The fuses of an Electron, in their order: "1" on, "0" off, "r" removed. They follow a sentinel, a version and their number. */
function readFuses(path: string): string {
  const sentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
  const binary = readFileSync(path);
  const at = binary.indexOf(sentinel);
  if (at === -1) throw new Error(`${path} has no fuses`);
  const start = at + sentinel.length + 2;
  return binary.toString('latin1', start, start + (binary[start - 1] ?? 0));
}

const drop = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'];

/** An environment without data of the person who runs the tests. */
const userEnv = () => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: home,
  XDG_RUNTIME_DIR: join(home, 'run'),
  XDG_CONFIG_HOME: join(home, '.config'),
  XDG_CACHE_HOME: join(home, '.cache'),
  XDG_DATA_HOME: join(home, '.local/share'),
  DISPLAY: display.name,
  FIRSTLIGHT_ACCEL: 'tcg',
});

/** Runs the packed command line as that user. */
const asUser = (args: readonly string[]) =>
  execFileSync('setpriv', [...drop, process.execPath, join(app, 'resources/app/dist/cli.mjs'), ...args], {
    env: userEnv(),
    cwd: home,
    encoding: 'utf8',
  });

/** The processes started with a home: Chromium's helpers and that user's libvirt daemons outlive the program. */
const startedFor = (dir: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const env = readFileSync(`/proc/${Number(name)}/environ`, 'latin1').split('\0');
      return env.includes(`HOME=${dir}`) ? [Number(name)] : [];
    } catch {
      // This is not a process, or it has just ended.
      return [];
    }
  });

/** The processes with a program from the packed folder. */
const processes = () =>
  execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+) (\S+) +(.*)$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ pid: match[1], stat: match[2] ?? '', args: match[3] ?? '' }]))
    .filter(({ stat, args }) => args.startsWith(app) && !stat.startsWith('Z'));

let serial = 0;

/** The value of an expression in the page. Errors: throws the expression's error. */
function evaluate(expression: string): Promise<unknown> {
  const id = ++serial;
  return new Promise((resolve, reject) => {
    const listen = ({ data }: { data: unknown }) => {
      const { id: answered, result } = JSON.parse(String(data));
      if (answered !== id) return;
      socket.removeEventListener('message', listen);
      if (result.exceptionDetails === undefined) resolve(result.result.value);
      else reject(new Error(JSON.stringify(result.exceptionDetails)));
    };
    socket.addEventListener('message', listen);
    const params = { expression, awaitPromise: true, returnByValue: true };
    socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
  });
}

/** Calls the engine as the page does. */
const call = (name: string, input: object): Promise<unknown> =>
  evaluate(
    `window.firstlight.call(${JSON.stringify(name)}, ${JSON.stringify(input)}, () => undefined).outcome.then((outcome) => outcome.ok ? outcome.value : Promise.reject(new Error(outcome.error.message)))`,
  );

/** The packed program, started from another folder by an ordinary user: `npm run dist -- --dir` without bundling. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Packed, packProgram, type Started } from './packed-program.ts';
import { root, whyNoElectron } from './real-electron.ts';
import { until, whyNot } from './real-studio.ts';

const reason = whyNoElectron() ?? whyNot() ?? (process.getuid?.() === 0 ? null : 'only root starts it as another user');
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
let packed: Packed;
let program: Started;

describe.skipIf(reason !== null)(`the packed program${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    packed = await packProgram();
    // A link in the folder of the pages must lead nowhere.
    symlinkSync('/etc/hostname', join(packed.app, 'resources/app/dist/renderer/link.txt'));
  }, 180_000);

  afterAll(() => packed?.remove());

  it('has its fuses flipped, and no part of the Electron for tests but what its Node.js lacks', () => {
    // Not a Node.js; cookies encrypted; no NODE_OPTIONS; no --inspect; and no archive to check or to prefer.
    expect(readFuses(join(packed.app, 'firstlight-studio')).slice(0, 6)).toBe('010000');
    expect(existsSync(join(packed.app, 'resources/app/test-electron-loader.cjs'))).toBe(false);
  });

  it('prints its version, its help and what is wrong with a command line, without a display', () => {
    // Chromium looks for the system's bus first, and says so where there is none.
    const run = (...args: string[]) => {
      const { code, stdout, stderr } = packed.run(args, { PATH: '/usr/bin:/bin', HOME: packed.home });
      return { code, stdout, stderr: stderr.replace(/^\[.*ERROR:bus.*\n/gm, '') };
    };
    expect(run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(run('--help').stdout).toMatch(/^Usage: firstlight-studio/);
    expect(run('--verson')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error[BAD_INPUT] The option --verson is unknown.\nhint `firstlight-studio --help` lists the options.\n',
    });
    expect(run('nowhere')).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error\[NOT_FOUND\] \/.*\/nowhere does not exist\.\nhint /),
    });
    expect(packed.processes()).toEqual([]);
  }, 60_000);

  it('runs its sample as an ordinary user, with its pages in the sandbox', async () => {
    if (nanosDir) packed.runCli(['nanos', 'install', '--from', nanosDir, '--as', 'local', '--accept']);
    program = await packed.start();
    await until('the sample has run', async () => {
      const runs = (await program.call('runs:list', {})) as { functionName: string; outcome: string }[];
      return runs.some(({ functionName, outcome }) => functionName === 'hello' && outcome === 'ok');
    });
    expect(program.stderr()).not.toContain('WITHOUT the sandbox');
    const page = packed.processes().find(({ args }) => args.includes('--type=renderer'));
    // A filter of system calls, and no way to gain rights.
    expect(readFileSync(`/proc/${page?.pid}/status`, 'utf8')).toMatch(/NoNewPrivs:\t1\nSeccomp:\t2/);
  }, 120_000);

  it('serves no file outside its pages, also by a link in their folder', async () => {
    expect(await program.evaluate("fetch('/link.txt').then(({ status }) => status)")).toBe(404);
    expect(await program.evaluate("fetch('/index.html').then(({ status }) => status)")).toBe(200);
  });

  it.skipIf(!nanosDir)(
    'runs a function on Nanos (needs FIRSTLIGHT_NANOS_DIR)',
    async () => {
      const { id } = (await program.call('projects:create', {
        name: 'on-nanos',
        template: 'hello',
        runtime: 'nanos',
      })) as { id: string };
      const run = await program.call('instances:run', { projectId: id, event: { name: 'Ada' }, lifetime: 'session' });
      expect(run).toMatchObject({ outcome: 'ok', response: { status: 200 } });
    },
    180_000,
  );

  // libvirt's daemon, which the program started, goes on after each: it must hold nothing of the program.
  it.each([
    ['SIGTERM', 0, () => program.child.kill('SIGTERM')],
    ['SIGINT', 0, () => program.child.kill('SIGINT')],
    ['SIGHUP', 0, () => program.child.kill('SIGHUP')],
    ['closing its window', 0, () => program.closePage()],
    ['SIGKILL', 'SIGKILL', () => program.child.kill('SIGKILL')],
  ])(
    'leaves no process of its folder after %s',
    async (_, end, stop) => {
      const { exitCode, signalCode } = program.child;
      if (exitCode !== null || signalCode !== null) program = await packed.start();
      await until('libvirt is there', async () => {
        const hosts = (await program.call('hosts:list', {})) as { state: string }[];
        return hosts[0]?.state === 'connected';
      });
      expect(packed.processes().length).toBeGreaterThan(3);
      await stop();
      expect(await program.ended).toBe(end);
      await until('none is left', () => packed.processes().length === 0);
      // The next program starts another daemon.
      packed.endAll();
    },
    90_000,
  );

  it('ends at a signal also while its page hangs', async () => {
    program = await packed.start();
    await program.evaluate('void setTimeout(() => { for (;;); })');
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    await until('none is left', () => packed.processes().length === 0);
  }, 90_000);
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

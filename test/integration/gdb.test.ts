import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { domains, makeHome, removeHome, resources, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 90_000 });
const program = join(resources.rendererDir, '../cli.mjs');
const hasGdb = spawnSync('gdb', ['--version']).status === 0;
const reason = whyNot() ?? (existsSync(program) ? (hasGdb ? null : 'gdb is not installed') : `${program} is not built`);

describe.skipIf(reason !== null)(`a debugger${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    removeHome(home);
  });

  /** Starts a run that waits for gdb, and gives the command that it prints. */
  async function debug(name: string) {
    const dir = join(home, 'p', name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ name, timeoutMs: 2_000 }));
    writeFileSync(join(dir, 'handler.ts'), 'export default () => "answered";');
    const child = spawn(process.execPath, [program, 'run', dir, '--gdb'], {
      cwd: home,
      env: { ...process.env, FIRSTLIGHT_HOME: home },
    });
    children.push(child);
    const text = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      text.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text.err += chunk;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const commandIn = () => /^ {2}(gdb .*)$/m.exec(text.err)?.[1];
    await until('gdb is asked for', () => commandIn() !== undefined || child.exitCode !== null, 60_000);
    return { child, text, ended, command: commandIn() ?? `echo ${text.err}` };
  }
  const ours = (name: string) => domains().filter((domain) => domain.startsWith(`firstlight-${name}-`));

  it('stops the guest at a function by its name for longer than its deadline, and the answer arrives', async () => {
    const { text, ended, command } = await debug('stop');
    expect(ours('stop')).toHaveLength(1);
    const steps = ['break handle_invoke', 'continue', 'backtrace', 'shell sleep 6', 'delete', 'continue'];
    const script = `${command} -batch ${steps.map((step) => `-ex '${step}'`).join(' ')} 2>&1; true`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script]);
    expect(stdout).toMatch(/^Breakpoint 1, handle_invoke \(/m);
    // Where the compiler inlined it, a frame has no address.
    expect(stdout).toMatch(/^#1 .*invoke_loop \(\) at .*guest\/rt\/invoke\.c:\d+\n#2 .*ember_main/m);
    expect(await ended).toBe(0);
    expect(text.out).toContain('"answered"');
  });

  it('is waited for until Ctrl-C, which leaves nothing behind', async () => {
    const { child, ended } = await debug('leave');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    await until('the machine is gone', () => ours('leave').length === 0);
    // Where QEMU takes longer to end than this program may, the next one removes what is left.
    const env = { ...process.env, FIRSTLIGHT_HOME: home };
    await promisify(execFile)(process.execPath, [program, 'ps'], { env });
    await until('its sockets are gone', () => readdirSync(join(home, 'run/sockets')).length === 0);
  });
});

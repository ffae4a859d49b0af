import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pickErrorLines, runTool } from './run-tool.mjs';
import { root } from './script.mjs';

describe('running a tool', () => {
  it('shows what it said when it fails, with the hint', async () => {
    const failing = runTool('sh', ['-c', 'echo all is lost; exit 7'], { name: 'test-tool', hint: 'Try again.' });
    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('all is lost'),
      hint: 'Try again.',
    });
    await expect(failing).rejects.toThrow('exit code 7');
  });

  it('says when there is no such program', async () => {
    await expect(runTool('no-such-program', [], { name: 'test-tool' })).rejects.toThrow('could not be started');
  });

  it('is ended with the process that runs it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fl-tool-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const pidFile = join(dir, 'pid');
    const script = `
      import { runTool } from '${root}/build/run-tool.mjs';
      await runTool('sh', ['-c', 'echo $$ > ${pidFile}; exec sleep 60'], { name: 'test-tool' });`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const ended = new Promise((resolve) => parent.once('close', (code, signal) => resolve(code ?? signal)));
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await sleep(20);
    const pid = readFileSync(pidFile, 'utf8').trim();
    parent.kill('SIGTERM');
    expect(await ended).toBe(143);
    for (let tries = 0; tries < 100 && isRunning(pid); tries += 1) await sleep(50);
    expect(isRunning(pid)).toBe(false);
  });
});

/** Whether a process exists and is not a zombie. */
function isRunning(pid: string): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) Z /.test(readFileSync(path, 'utf8'));
}

describe('the error lines of a failed tool', () => {
  it('are its error lines where it marks them', () => {
    expect(pickErrorLines('npm warn old\nnpm error code E404\nnpm error\nnpm error 404 not found\n')).toEqual([
      'npm error code E404',
      'npm error 404 not found',
    ]);
  });

  it('are its last lines otherwise', () => {
    const output = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
    expect(pickErrorLines(output)).toHaveLength(15);
    expect(pickErrorLines(output).at(-1)).toBe('line 29');
  });
});

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runTool } from './run-tool.ts';

const node = process.execPath;

describe('runTool', () => {
  it('gives what the tool printed, with arguments untouched by any shell', async () => {
    const script = 'process.stdout.write(process.argv[1])';
    expect((await runTool(node, ['-e', script, '$HOME; `id` "x"'])).stdout).toBe('$HOME; `id` "x"');
  });

  it('passes standard input', async () => {
    expect((await runTool('cat', [], { input: 'hello' })).stdout).toBe('hello');
  });

  it('says TOOL_MISSING for a program that is not there', async () => {
    await expect(runTool('firstlight-no-such-tool', [])).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      details: { subject: 'firstlight-no-such-tool' },
    });
  });

  it('shows the words of a tool that failed', async () => {
    await expect(runTool(node, ['-e', 'console.error("bad\\nno such disk"); process.exit(3)'])).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringContaining('exit code 3: no such disk'),
      details: { output: expect.stringContaining('bad') },
    });
  });

  it('keeps the output and the arguments of a tool that prints secrets out of its errors', async () => {
    const tool = async (end: string, timeoutMs: number) => {
      const script = `echo s3cret-out; echo "unknown: $*" >&2; ${end}`;
      const args = ['-c', script, 'sh', '--client-secret=s3cret-1', '--key', 's3cret-2'];
      return await runTool('sh', args, { isSecret: true, timeoutMs }).catch((thrown: unknown) => thrown);
    };
    for (const error of [await tool('exit 1', 20_000), await tool('exec sleep 60', 3_000)]) {
      const output = 'unknown: --client-secret=… --key …';
      expect(error).toMatchObject({
        code: 'TOOL_FAILED',
        message: expect.stringContaining(output),
        details: { output },
      });
      expect(inspect(error, { depth: null })).not.toContain('s3cret');
    }
  });

  it('takes other exit codes as answers when asked to', async () => {
    expect((await runTool(node, ['-e', 'process.exit(1)'], { okExitCodes: [0, 1] })).exitCode).toBe(1);
  });

  it('ends a tool that takes too long, and one that is cancelled', async () => {
    await expect(runTool('sleep', ['20'], { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    const signal = AbortSignal.timeout(100);
    await expect(runTool('sleep', ['20'], { signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

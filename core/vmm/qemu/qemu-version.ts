import { runTool } from '#core/exec/run-tool.ts';
import { qemuProgram } from './qemu-command.ts';

/** The version of the installed QEMU. Errors: TOOL_MISSING, TOOL_FAILED. */
export async function readQemuVersion(): Promise<string> {
  const { stdout } = await runTool(qemuProgram, ['--version'], { timeoutMs: 10_000 });
  return /version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
}

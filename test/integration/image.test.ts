import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { writeVolume } from '@firstlight/tfs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome, resources } from './studio.ts';

const program = join(resources.rendererDir, '../cli.mjs');
const isBuilt = existsSync(program);

/** The command line as a separate process. */
describe.skipIf(!isBuilt)(`looking into an image${isBuilt ? '' : ` (skipped: ${program} is not built)`}`, () => {
  const home = isBuilt ? makeHome() : '';
  const image = join(home, 'image');
  afterAll(() => removeHome(home));
  beforeAll(async () => {
    const tree = createFileTree();
    for (let index = 0; index < 5000; index++) {
      const data = Buffer.from(`file ${index}`);
      tree.add(`/folder/${index}`, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
    }
    await writeVolume(image, { tree: tree.tree, digest: 'd' });
  });

  /** Shape: reading begins only after `pauseMs`. */
  async function run(argv: readonly string[], pauseMs = 0) {
    const child = spawn(process.execPath, [program, 'image', ...argv], {
      cwd: home,
      env: { ...process.env, FIRSTLIGHT_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.resume();
    const code = await closed;
    return { code, out: Buffer.concat(chunks).toString() };
  }

  it('gives a program that reads slowly the whole listing', async () => {
    const { code, out } = await run(['ls', image, '--recursive', '--json'], 1500);
    expect(code).toBe(0);
    expect(JSON.parse(out).entries).toHaveLength(5001);
    expect((await run(['cat', image, '/folder/4999'])).out).toBe('file 4999');
  });

  it('ends with code 2 for a damaged one, says so in JSON, and leaves nothing behind', async () => {
    await truncate(image, 100_000);
    const { code, out } = await run(['extract', image, 'out', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(out).error).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringContaining('at byte') });
    expect(readdirSync(home).filter((name) => name.includes('out'))).toEqual([]);
  });
});

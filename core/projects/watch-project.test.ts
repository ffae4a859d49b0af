/** A folder that cannot be watched, since no inotify watches are left: a real case, in a separate user namespace. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const canUnshare = spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0;
const reason = canUnshare ? '' : ' (skipped: user namespaces are not allowed here)';

/** Opens a project twice without watches, and prints the emitted events. */
const script = `
  import { writeFileSync } from 'node:fs';
  import { runtimes } from '#core/engine/runtimes.ts';
  import { createLayout } from '#core/store/layout.ts';
  import { createProjectService } from '#core/projects/project-service.ts';
  writeFileSync('/proc/sys/user/max_inotify_watches', '0');
  const [home, dir] = process.argv.slice(2);
  const events = [];
  const service = createProjectService({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    resources: { templatesDir: '', schemaPath: '', nodeTypesPath: '' },
    runtimes,
    bundlings: new Map(),
    emit: (name, payload) => name === 'app:warned' && events.push(payload.error),
  });
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const { id: projectId } = await service.calls['projects:open']({ dir }, context);
  const files = await service.calls['projects:files']({ projectId }, context);
  while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await service.close();
  process.stdout.write(JSON.stringify({ events, files: files.length }));
`;

describe.skipIf(!canUnshare)(`a folder that cannot be watched${reason}`, () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'fl-watch-'));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it('is warned of once, with what to do, and its files are listed all the same', async () => {
    const program = join(home, 'open.mjs');
    const root = join(import.meta.dirname, '../..');
    await build({
      stdin: { contents: script, resolveDir: root, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile: program,
      logLevel: 'silent',
      conditions: ['source'],
      mainFields: ['module', 'main'],
      loader: { '.prelude.js': 'text' },
      banner: { js: "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);" },
    });
    const dir = join(home, 'p');
    await mkdir(dir);
    await writeFile(join(dir, 'firstlight.json'), '{"name":"p"}');
    await writeFile(join(dir, 'handler.ts'), 'export default () => 1;');
    const args = ['--user', '--map-root-user', process.execPath, program, join(home, 'h'), dir];
    const { events, files } = JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' }));
    expect(files).toBe(2);
    expect(events).toMatchObject([{ code: 'STORE_UNUSABLE', hint: expect.stringContaining('max_user_watches') }]);
    expect(events[0].message).toContain(dir);
  });
});

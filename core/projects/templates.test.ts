import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import type { EventListener } from '#shared/contract/index.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { createBundler } from '../bundle/bundler.ts';
import { createLayout, type Layout } from '../store/layout.ts';
import { createProjectService, type ProjectService } from './project-service.ts';

const resources = locateResources();
const root = join(resources.templatesDir, '../..');
const context = { signal: new AbortController().signal, progress: () => undefined };
let home: string;
let layout: Layout;
let service: ProjectService;

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'fl-templates-')));
  layout = createLayout({ home, env: {}, uid: 1000 });
  const emit: EventListener = () => undefined;
  service = createProjectService({ layout, resources, runtimes, bundlings, emit });
});
afterAll(async () => {
  await service.close();
  await rm(home, { recursive: true, force: true });
});

const create = (name: string, template: string, dir?: string, runtime: RuntimeId = 'ember') =>
  service.calls['projects:create']({ name, template, runtime, dir }, context);

describe('templates', () => {
  it('are listed, the sample first, each with what it shows', async () => {
    const templates = await service.calls['projects:templates']({}, context);
    expect(templates.map(({ id }) => id)).toEqual(['hello', 'json-api', 'multi-file', 'slow-start']);
    for (const { title, description } of templates) {
      expect(title).toMatch(/^[A-Z]/);
      expect(description).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('become projects for another runtime', async () => {
    const project = await create('on-nanos', 'hello', undefined, 'nanos');
    expect(project).toMatchObject({ problems: [], config: { runtime: 'nanos', memoryMiB: 256 } });
    expect((await create('on-ember', 'hello')).config).toMatchObject({ runtime: 'ember', memoryMiB: 64 });
  });

  it('become projects under a new name that compile, check and bundle', async () => {
    const bundler = createBundler({ layout, version: 'test', shimsDir: resources.shimsDir, runtimes: bundlings });
    for (const { id } of await service.calls['projects:templates']({}, context)) {
      const project = await create(`my-${id}`, id);
      expect(project).toMatchObject({ name: `my-${id}`, dir: join(layout.projectsDir, `my-${id}`), problems: [] });
      const config = JSON.parse(await readFile(join(project.dir, 'firstlight.json'), 'utf8'));
      expect(await readFile(join(project.dir, config.$schema), 'utf8')).toContain('"title": "firstlight.json"');
      const { bundle } = await bundler.bundle(project, context);
      expect(bundle.warnings).toEqual([]);
      const run = promisify(execFile);
      await run(join(root, 'node_modules/.bin/tsc'), ['-p', project.dir, '--pretty', 'false']).catch((thrown) => {
        throw new Error(`${id}: ${thrown.stdout}`);
      });
    }
    await bundler.close();
  });

  it('know the globals that a function may name, and no others', async () => {
    const { dir } = await create('web', 'hello');
    await writeFile(
      join(dir, 'handler.ts'),
      `import type { Handler, HttpEvent } from 'firstlight';
export const bytes: Handler = () => new Response(new Uint8Array(3), { status: 201, headers: new Headers([['a', 'b']]) });
export const plain: Handler = () => ({ status: 201, body: 'text' });
export default async function handler(event: HttpEvent): Promise<Response> {
  const url = new URL(event.path, 'http://localhost');
  for (const [name, value] of url.searchParams) console.log(name, value);
  const request = new Request(url, { method: 'POST', body: new URLSearchParams({ a: '1' }) });
  // @ts-expect-error: Ember has no sockets.
  if (event.query.out) new WebSocket(url);
  const got = await fetch(url, { method: 'PUT', headers: { a: 'b' }, body: 'x', redirect: 'manual' });
  console.log(await got.text(), got.url);
  return Response.json({ text: await request.text(), type: request.headers.get('content-type') });
}`,
    );
    const checked = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', dir, '--pretty', 'false']);
    expect(
      await checked.then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout,
      ),
    ).toBe('');
  });

  it('need a proper name, a template that is there, and an empty folder', async () => {
    await expect(create('My Function', 'hello')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(create('a', 'nonesuch')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await writeFile(join(home, 'taken'), '');
    await expect(create('a', 'hello', home)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readdir(home)).toContain('taken');
  });
});

describe('the published schema', () => {
  it('is what the model says', async () => {
    const checked = promisify(execFile)(process.execPath, [join(root, 'build/generate-schema.mjs'), '--check']);
    await expect(checked).resolves.toBeDefined();
  });
});

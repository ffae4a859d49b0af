import { execFileSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { type CallName, calls, type EventListener } from '#shared/contract/index.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { createLayout } from '../store/layout.ts';
import { deletePath, revisionAt } from './project-files.ts';
import { createProjectService, type ProjectService } from './project-service.ts';

let home: string;
let dir: string;
let service: ProjectService;
let events: { name: string; payload: Record<string, unknown> }[];
const resources = locateResources();

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'fl-projects-')));
  dir = join(home, 'work');
  await mkdir(dir);
  await write('firstlight.json', '{"name":"hello"}');
  await write('handler.ts', 'export default () => 1;');
  service = newService();
});
afterEach(async () => {
  await service.close();
  await rm(home, { recursive: true, force: true });
});

function newService(): ProjectService {
  events = [];
  const emit: EventListener = (name, payload) => events.push({ name, payload: payload as Record<string, unknown> });
  return createProjectService({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    resources: { ...resources, nodeTypesPath: join(home, 'node-types.json') },
    runtimes,
    bundlings,
    emit,
  });
}
const write = (path: string, text: string | Buffer) => writeFile(join(dir, path), text);

/** Calls as a host does: input and output go through the contract's schemas. */
async function call<Name extends Extract<CallName, `projects:${string}`>>(name: Name, input: unknown) {
  const request = calls[name].input.parse(input);
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const output: unknown = await service.calls[name](request as never, context);
  return calls[name].output.parse(output) as never as ReturnType<(typeof calls)[Name]['output']['parse']>;
}
const openIt = async (): Promise<ProjectId> => (await call('projects:open', { dir })).id;

async function waitFor(name: string, path?: string): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 200; tries++) {
    const found = events.find((event) => event.name === name && (path === undefined || event.payload.path === path));
    if (found !== undefined) return found.payload;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no ${name} ${path ?? ''} among ${JSON.stringify(events)}`);
}

describe('a project whose firstlight.json is not a file to read', () => {
  it.each([
    ['a folder', (path: string) => mkdir(path), 'is a folder'],
    ['a link to itself', (path: string) => symlink(path, path), 'leads to itself'],
    ['a pipe', async (path: string) => void execFileSync('mkfifo', [path]), 'is a pipe'],
    ['a link to /dev/zero', (path: string) => symlink('/dev/zero', path), 'is a device'],
    ['two megabytes long', (path: string) => writeFile(path, ' '.repeat(2 << 20)), 'at most 1048576 bytes'],
  ])('such as %s is listed with that problem, and the others beside it', async (_, make, words) => {
    const bad = join(home, 'bad');
    await mkdir(bad);
    await make(join(bad, 'firstlight.json'));
    await openIt();
    await call('projects:open', { dir: bad });
    const [good, other] = await call('projects:list', {});
    expect(good).toMatchObject({ name: 'hello', problems: [] });
    expect(other).toMatchObject({ config: null, problems: [{ message: expect.stringContaining(words) }] });
  });
});

describe('a path in firstlight.json that cannot be followed', () => {
  const long = 'x'.repeat(300);
  it.each([
    ['a link to itself', 'loop'],
    ['a name that is too long', long],
    ['a NUL', 'a\u0000b'],
    ['a way through a file', 'firstlight.json/x'],
  ])('such as %s is no matter of the other projects', async (_, path) => {
    const bad = join(home, 'bad');
    await mkdir(bad);
    await symlink('loop', join(bad, 'loop'));
    const config = { name: 'bad', runtime: 'nanos', files: { '/k': path }, node: path };
    await writeFile(join(bad, 'firstlight.json'), JSON.stringify(config));
    await openIt();
    await call('projects:open', { dir: bad });
    expect((await call('projects:list', {})).map(({ name }) => name)).toEqual(['hello', 'bad']);
  });
});

it('names the folder of a project that has become a link to itself', async () => {
  const id = await openIt();
  await rm(dir, { recursive: true });
  await symlink('work', dir);
  await expect(service.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(dir) });
  expect(await call('projects:list', {})).toMatchObject([{ config: null }]);
});

it('refuses to write to a pipe, instead of waiting for somebody to read it', async () => {
  const id = await openIt();
  execFileSync('mkfifo', [join(dir, 'pipe.ts')]);
  const request = { projectId: id, path: 'pipe.ts', text: 'x', baseRevision: null };
  await expect(call('projects:writeFile', request)).rejects.toMatchObject({ code: 'BAD_INPUT' });
});

describe('the list of projects', () => {
  it('frees a project that is opened from what a killed process left half-written', async () => {
    await write('.handler.ts.0123456789ab.fl-tmp', 'half');
    await utimes(join(dir, '.handler.ts.0123456789ab.fl-tmp'), 1, 1);
    await call('projects:open', { dir });
    await vi.waitFor(async () => expect(await readdir(dir)).toEqual(['firstlight.json', 'handler.ts']));
  });

  it('keeps what is open for the next start, by a stable id', async () => {
    const id = await openIt();
    expect(await openIt()).toBe(id);
    await service.close();
    service = newService();
    expect(await call('projects:list', {})).toEqual([
      expect.objectContaining({ id, dir, name: 'hello', config: expect.objectContaining({ entry: 'handler.ts' }) }),
    ]);
    expect((await service.get(id)).name).toBe('hello');
    await call('projects:close', { projectId: id });
    expect(await call('projects:list', {})).toEqual([]);
    await expect(service.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await readdir(dir)).toContain('handler.ts');
  });

  it('opens a folder through a link as the same project, and a broken one with its problems', async () => {
    await symlink(dir, join(home, 'link'));
    const id = await openIt();
    expect((await call('projects:open', { dir: join(home, 'link') })).id).toBe(id);
    await write('firstlight.json', '{"name":');
    const broken = await call('projects:open', { dir });
    expect(broken).toMatchObject({ id, name: 'hello', config: null });
    expect(broken.problems[0]).toMatchObject({ file: 'firstlight.json', line: 1 });
    await rm(join(dir, 'firstlight.json'));
    expect((await call('projects:open', { dir })).problems[0]?.message).toContain('There is no firstlight.json');
  });

  it('two processes that open projects at once lose none', async () => {
    await mkdir(join(home, 'other'));
    const second = newService();
    await Promise.all([openIt(), second.calls['projects:open']({ dir: join(home, 'other') }, {} as never)]);
    await second.close();
    expect(await call('projects:list', {})).toHaveLength(2);
  });

  it('says when there is nothing to open', async () => {
    await expect(call('projects:open', { dir: join(home, 'nowhere') })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(call('projects:open', { dir: join(dir, 'handler.ts') })).rejects.toMatchObject({
      message: expect.stringContaining('is a file, not a folder'),
    });
    const id = await openIt();
    await rm(dir, { recursive: true });
    await expect(service.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.any(String) });
    await expect(call('projects:files', { projectId: '000000000000' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the files of a project', () => {
  it('are listed without dependencies, half-written files and links out of it', async () => {
    await mkdir(join(dir, 'src'));
    await mkdir(join(dir, 'node_modules/x'), { recursive: true });
    await write('src/a.ts', 'x');
    await write('.handler.ts.0123456789ab.fl-tmp', 'x');
    await symlink('/etc/hostname', join(dir, 'out'));
    await symlink('handler.ts', join(dir, 'in.ts'));
    await symlink('.', join(dir, 'loop'));
    const files = await call('projects:files', { projectId: await openIt() });
    expect(files.map((file) => `${file.kind} ${file.path} ${file.bytes}`)).toEqual([
      'folder src 0',
      'file src/a.ts 1',
      'file firstlight.json 16',
      'file handler.ts 23',
      'file in.ts 23',
    ]);
  });

  it('are read and written with a revision that finds another program’s change', async () => {
    const projectId = await openIt();
    const read = await call('projects:readFile', { projectId, path: 'handler.ts' });
    expect(read.text).toBe('export default () => 1;');
    const { revision } = await call('projects:writeFile', {
      projectId,
      path: 'handler.ts',
      text: 'mine',
      baseRevision: read.revision,
    });
    await write('handler.ts', 'theirs');
    const late = { projectId, path: 'handler.ts', text: 'lost?', baseRevision: revision };
    await expect(call('projects:writeFile', late)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await readFile(join(dir, 'handler.ts'), 'utf8')).toBe('theirs');
    await call('projects:writeFile', { ...late, baseRevision: null });
    expect(await readFile(join(dir, 'handler.ts'), 'utf8')).toBe('lost?');
    await rm(join(dir, 'handler.ts'));
    await expect(call('projects:writeFile', late)).rejects.toMatchObject({
      message: 'handler.ts was deleted since it was read.',
    });
  });

  it('keep one of two writes with the same base revision, and say so to the other', async () => {
    const projectId = await openIt();
    const { revision } = await call('projects:readFile', { projectId, path: 'handler.ts' });
    const texts = ['first', 'second', 'third'];
    const results = await Promise.allSettled(
      texts.map((text) => call('projects:writeFile', { projectId, path: 'handler.ts', text, baseRevision: revision })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'CONFLICT' });
    }
    const created = await Promise.allSettled(
      texts.map((text) => call('projects:createFile', { projectId, path: 'once.ts', text })),
    );
    expect(created.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('are created, renamed and deleted', async () => {
    const projectId = await openIt();
    await call('projects:createFile', { projectId, path: 'a/b/c.ts', text: 'c' });
    await expect(call('projects:createFile', { projectId, path: 'a/b/c.ts' })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    await call('projects:renameFile', { projectId, path: 'a/b/c.ts', to: 'd.ts' });
    expect((await call('projects:readFile', { projectId, path: 'd.ts' })).text).toBe('c');
    const onto = { projectId, path: 'd.ts', to: 'handler.ts' };
    await expect(call('projects:renameFile', onto)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await call('projects:deleteFile', { projectId, path: 'a' });
    await call('projects:deleteFile', { projectId, path: 'd.ts' });
    expect((await readdir(dir)).sort()).toEqual(['firstlight.json', 'handler.ts']);
    await expect(call('projects:deleteFile', { projectId, path: 'd.ts' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('never lead out of the project, by dots or by links', async () => {
    const projectId = await openIt();
    await mkdir(join(home, 'secret'));
    await writeFile(join(home, 'secret/key'), 'key');
    await symlink(join(home, 'secret'), join(dir, 'door'));
    await symlink(join(home, 'secret/key'), join(dir, 'key'));
    await symlink(join(home, 'secret/new'), join(dir, 'dangling'));
    for (const path of ['../secret/key', '/etc/passwd', 'a/../../x', '.', 'a//b']) {
      await expect(call('projects:readFile', { projectId, path })).rejects.toThrow();
    }
    for (const path of ['door/key', 'key']) {
      await expect(call('projects:readFile', { projectId, path })).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
      const text = { projectId, path, text: 'mine' };
      await expect(call('projects:writeFile', text)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    }
    for (const path of ['door/new', 'dangling']) {
      const created = call('projects:createFile', { projectId, path, text: 'x' });
      await created.catch(() => undefined);
    }
    await expect(call('projects:deleteFile', { projectId, path: 'door/key' })).rejects.toMatchObject({
      code: 'PATH_ESCAPES',
    });
    for (const path of ['.', './.', 'door/.', 'door/..']) {
      await expect(call('projects:deleteFile', { projectId, path })).rejects.toThrow();
      await expect(deletePath(dir, path)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    }
    expect(await readdir(dir)).toContain('handler.ts');
    expect(await readdir(join(home, 'secret'))).toEqual(['key']);
    await call('projects:deleteFile', { projectId, path: 'key' });
    expect(await readFile(join(home, 'secret/key'), 'utf8')).toBe('key');
  });

  it('that are large are compared by size and time, without being read', async () => {
    const path = join(dir, 'big.log');
    expect(await revisionAt(path)).toBeNull();
    expect(await revisionAt(dir)).toBeNull();
    await writeFile(path, '');
    // Sparse: reading 3 GiB into one buffer fails.
    await truncate(path, 3 * 2 ** 30);
    const before = await revisionAt(path);
    expect(await revisionAt(path)).toBe(before);
    await truncate(path, 3 * 2 ** 30 + 1);
    expect(await revisionAt(path)).not.toBe(before);
  });

  it('that are large or no text are refused with the reason', async () => {
    const projectId = await openIt();
    await write('blob', Buffer.from([0xff, 0xfe, 0x00, 0x41]));
    await write('latin', Buffer.from([0x66, 0xfc, 0x72]));
    await write('big.txt', Buffer.alloc(5 << 20, 'a'));
    for (const path of ['blob', 'latin']) {
      await expect(call('projects:readFile', { projectId, path })).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: `${path} is not text in UTF-8.`,
      });
    }
    await expect(call('projects:readFile', { projectId, path: 'big.txt' })).rejects.toMatchObject({
      message: 'big.txt is too large to edit here: 5242880 bytes.',
    });
    await expect(call('projects:readFile', { projectId, path: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('changes on disk', () => {
  it('by another program are announced, and those of firstlight.json change the project', async () => {
    const projectId = await openIt();
    await call('projects:files', { projectId });
    // The watcher takes a while to be ready: saves continue until one is seen.
    for (let count = 2; !events.some((event) => event.payload.path === 'handler.ts'); count++) {
      await write('handler.ts', `export default () => ${count};`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await waitFor('projects:fileChanged', 'handler.ts')).revision).toMatch(/^[0-9a-f]{64}$/);
    await write('new.ts', '1');
    await waitFor('projects:fileChanged', 'new.ts');
    events.length = 0;
    await rm(join(dir, 'new.ts'));
    expect((await waitFor('projects:fileChanged', 'new.ts')).revision).toBeNull();
    events.length = 0;
    await write('firstlight.json', '{"name":"renamed"}');
    expect(await waitFor('projects:changed')).toMatchObject({ project: { id: projectId, name: 'renamed' } });
  });

  it('of ours are announced at once, and not again by the watcher', async () => {
    const projectId = await openIt();
    await call('projects:files', { projectId });
    await new Promise((resolve) => setTimeout(resolve, 300));
    events.length = 0;
    const { revision } = await call('projects:writeFile', { projectId, path: 'handler.ts', text: 'mine' });
    expect(events).toEqual([{ name: 'projects:fileChanged', payload: { projectId, path: 'handler.ts', revision } }]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(events).toHaveLength(1);
  });
});

describe('types for the editor', () => {
  it('are the handler’s and those of installed dependencies', async () => {
    await write('package.json', '{"dependencies":{"typed":"1","plain":"1","@acme/x":"1","../evil":"1"}}');
    const put = async (path: string, text: string) => {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await write(path, text);
    };
    await put('node_modules/typed/package.json', '{"types":"lib/index.d.ts"}');
    await put('node_modules/typed/lib/index.d.ts', 'export declare const a: 1;');
    await put('node_modules/plain/package.json', '{}');
    await put('node_modules/plain/index.js', '');
    await put('node_modules/@types/acme__x/package.json', '{}');
    await put('node_modules/@types/acme__x/index.d.ts', 'export {};');
    const types = await call('projects:types', { projectId: await openIt() });
    expect(types.map((file) => file.path)).toEqual([
      '.firstlight/firstlight.d.ts',
      'node_modules/typed/package.json',
      'node_modules/typed/lib/index.d.ts',
      'node_modules/@types/acme__x/package.json',
      'node_modules/@types/acme__x/index.d.ts',
    ]);
    expect(types[0]?.text).toContain("declare module 'firstlight'");
    expect(types[0]?.text).toContain('declare var crypto');
  });

  it('are Node’s on Nanos, unless the project has installed them', async () => {
    // As set-up writes the file.
    const path = 'node_modules/@types/node/fs.d.ts';
    const text = await readFile(join(import.meta.dirname, '../..', path), 'utf8');
    await writeFile(join(home, 'node-types.json'), JSON.stringify([{ path, text }]));
    await write('firstlight.json', '{"name":"hello","runtime":"nanos"}');
    const projectId = await openIt();
    const types = await call('projects:types', { projectId });
    expect(types.find((file) => file.path === path)?.text).toContain('declare module "node:fs"');
    // Its globals are Node's own.
    expect(types[0]?.text).not.toContain('declare var crypto');
    await mkdir(join(dir, 'node_modules/@types/node'), { recursive: true });
    await write('node_modules/@types/node/package.json', '{}');
    expect((await call('projects:types', { projectId })).map(({ path }) => path)).toEqual([
      '.firstlight/firstlight.d.ts',
    ]);
  });
});

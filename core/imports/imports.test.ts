import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { makeLayout } from '@firstlight/oci/testing';
import { makeTar } from '@firstlight/tar/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { type CallName, calls } from '#shared/contract/index.ts';
import { createProjectService, type ProjectService } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { importCalls } from './import-calls.ts';

const run = promisify(execFile);
const program = '/usr/bin/python3';
const resources = locateResources();
let home: string;
let projects: ProjectService;
let handlers: ReturnType<typeof importCalls>;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'fl-imports-')));
  const layout = createLayout({ home, env: {}, uid: 1000 });
  projects = createProjectService({ layout, resources, runtimes, bundlings, emit: () => undefined });
  handlers = importCalls({
    layout,
    schemaPath: resources.schemaPath,
    runtimes,
    env: { HOME: home },
    getProject: projects.get,
    openProject: projects.openOwn,
  });
});
afterEach(async () => {
  await projects.close();
  await rm(home, { recursive: true, force: true });
});

/** Calls as a host does: input and output go through the contract's schemas. */
async function call<Name extends Extract<CallName, `imports:${string}`>>(name: Name, input: unknown) {
  const request = calls[name].input.parse(input);
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const output: unknown = await handlers[name](request as never, context);
  return calls[name].output.parse(output) as never as ReturnType<(typeof calls)[Name]['output']['parse']>;
}
const examine = (source: string) => call('imports:examine', { source, cwd: home });
const create = (source: string, more: object = {}) => call('imports:create', { source, cwd: home, ...more });

describe('a Linux program', () => {
  it('is proposed with its libraries, and becomes a project', async () => {
    const proposal = await examine(program);
    expect(proposal).toMatchObject({
      kind: 'elf',
      name: 'python3',
      program,
      port: 8080,
      closure: { isStatic: false, interpreter: '/lib64/ld-linux-x86-64.so.2' },
      missing: [],
      problems: [],
      canCreate: true,
    });
    expect(proposal.closure?.libraries.map(({ name }) => name)).toContain('libc.so.6');
    expect(proposal.warnings.map(({ code }) => code)).toContain('fork');
    expect(JSON.parse(proposal.config)).toMatchObject({
      name: 'python3',
      runtime: 'nanos',
      program,
      port: 8080,
    });

    const project = await create(program, { name: 'snake', digest: proposal.digest });
    expect(project).toMatchObject({ name: 'snake', dir: join(home, 'projects/snake'), problems: [] });
    expect(project.config?.program).toBe(program);
    expect((await readdir(project.dir)).sort()).toEqual(['.firstlight', 'firstlight.json']);
    expect((await readdir(join(home, 'projects'))).sort()).toEqual(['snake']);
  });

  it('that serves nothing gets no port', async () => {
    await writeFile(join(home, 'true.c'), 'int main(void) { return 0; }');
    await run('gcc', ['-o', join(home, 'true'), join(home, 'true.c')]);
    expect(await examine('./true')).toMatchObject({ name: 'true', port: null });
  });

  it('for another processor, or broken, is refused', async () => {
    const bytes = await readFile(program);
    bytes.writeUInt16LE(0xb7, 18);
    await writeFile(join(home, 'arm'), bytes);
    await expect(examine('arm')).rejects.toMatchObject({ exitCode: 2 });
    await writeFile(join(home, 'cut'), bytes.subarray(0, 40));
    await expect(examine('cut')).rejects.toMatchObject({ code: 'ELF_INVALID' });
  });
});

describe('an ops config.json', () => {
  it('that names no program says how to name one, and takes the one that is named', async () => {
    await writeFile(join(home, 'no-program.json'), JSON.stringify({ Args: ['-V'] }));
    const [problem] = (await examine('no-program.json')).problems;
    expect(problem?.message).toContain('--program ./server');
    const named = await call('imports:examine', { source: 'no-program.json', cwd: home, program });
    expect(named).toMatchObject({ program, args: ['-V'], problems: [], canCreate: true });
  });

  it('becomes a project with the files that it needs, and comes back', async () => {
    const given = { Program: program, Args: ['-V'], NameServers: ['10.0.2.3'], RunConfig: { Memory: '256M' } };
    await writeFile(join(home, 'config.json'), JSON.stringify(given));
    const project = await create('config.json', { dir: 'own' });
    expect(project.dir).toBe(join(home, 'own'));
    expect(project.trusted).toBe(true);
    expect(project.config).toMatchObject({ memoryMiB: 256, program, args: ['-V'], port: null });
    expect(await readFile(join(project.dir, 'resolv.conf'), 'utf8')).toBe('nameserver 10.0.2.3\n');
    const back = await call('imports:toOps', { projectId: project.id });
    expect(JSON.parse(back.config)).toMatchObject({ Program: program, Args: ['-V'], RunConfig: { Memory: '256M' } });
  });

  it('is not trusted with files that do not lie beside it', async () => {
    await mkdir(join(home, 'beside'));
    await writeFile(join(home, 'private'), 'a key');
    await writeFile(join(home, 'beside/data'), 'data');
    const configFor = (file: string) => ({ Program: program, MapDirs: {}, Files: [file] });
    for (const [name, file, trusted] of [
      ['own', 'data', true],
      ['foreign', '../private', false],
    ] as const) {
      await writeFile(join(home, 'beside/config.json'), JSON.stringify(configFor(join(home, 'beside', file))));
      expect(await create('beside/config.json', { dir: name })).toMatchObject({ trusted });
    }
  });

  it('with errors is shown with their places, and nothing is written', async () => {
    await writeFile(join(home, 'config.json'), '{\n  "Program": "/usr/bin/python3",\n  "Argz": []\n}');
    const proposal = await examine('config.json');
    expect(proposal).toMatchObject({ canCreate: false, problems: [{ line: 3, column: 3, file: 'config.json' }] });
    const failure = { code: 'BAD_INPUT', details: { problems: [{ line: 3 }] } };
    await expect(create('config.json')).rejects.toMatchObject(failure);
    expect(await readdir(home)).not.toContain('projects');
  });

  it('whose program is not there says so at its place', async () => {
    await writeFile(join(home, 'config.json'), '{\n  "Program": "gone"\n}');
    const { problems, missing, canCreate } = await examine('config.json');
    expect(problems).toMatchObject([
      { line: 2, severity: 'error', message: expect.stringContaining('There is no file') },
    ]);
    expect(missing).toEqual([{ name: 'gone', neededBy: 'Program' }]);
    expect(canCreate).toBe(false);
  });
});

describe('an OCI image', () => {
  it('is proposed with what it starts, and the project refers to it', async () => {
    const layers = [[{ name: 'usr/bin/python3', data: await readFile(program) }]];
    const config = {
      Cmd: ['python3', '-m', 'http.server', '--port', '9000'],
      Env: ['TOKEN=x'],
      User: 'app',
      WorkingDir: '/srv',
    };
    await makeLayout(join(home, 'shop'), [{ layers, config }]);
    const proposal = await examine('shop');
    expect(proposal).toMatchObject({
      source: `oci:${join(home, 'shop')}`,
      kind: 'oci-image',
      name: 'shop',
      summary: 'OCI image, 1 layer',
      program: '/usr/bin/python3',
      args: ['-m', 'http.server', '--port', '9000'],
      envNames: ['TOKEN'],
      cwd: '/srv',
      port: 9000,
      files: { count: 1 },
      missing: [{ name: '/lib64/ld-linux-x86-64.so.2', neededBy: '/usr/bin/python3' }],
      canCreate: true,
    });
    expect(proposal.warnings.map(({ code }) => code)).toEqual(['user', 'fork']);
    const project = await create('shop', { dir: 'project', digest: proposal.digest });
    expect(project.config).toMatchObject({ image: `oci:${join(home, 'shop')}`, port: 9000 });
  });

  it('whose program needs a shell is not a project', async () => {
    const files = [{ name: 'bin/sh', data: await readFile(program) }];
    await makeLayout(join(home, 'shop'), [{ layers: [files], config: { Cmd: ['sh', '-c', 'a | b'] } }]);
    expect(await examine('oci:shop')).toMatchObject({ program: null, canCreate: false, warnings: [{ code: 'shell' }] });
    await expect(create('oci:shop')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('a | b'),
    });
  });

  it('that changed since it was looked at is not taken', async () => {
    const image = (data: string) => [{ layers: [[{ name: 'a', data }]], config: { Cmd: ['/a'] } }];
    await makeLayout(join(home, 'shop'), image('x'));
    const { digest } = await examine('shop');
    await makeLayout(join(home, 'shop'), image('y'));
    await expect(create('shop', { digest })).rejects.toMatchObject({ code: 'CONFLICT', exitCode: 2 });
  });
});

describe('a source', () => {
  it('is recognised by its content', async () => {
    const archive = async (name: string, path: string) =>
      writeFile(join(home, name), gzipSync(await makeTar([{ name: path, data: '{' }])));
    await archive('package.tar.gz', 'lua_1/package.manifest');
    await archive('other.tar.gz', 'x/y');
    await writeFile(join(home, 'script'), '#!/bin/sh\n');
    await writeFile(join(home, 'text'), 'hello');
    await writeFile(join(home, 'nothing'), '');
    await writeFile(join(home, 'disk'), 'QFI\xfb\0\0\0\x03', 'latin1');
    await writeFile(join(home, 'booted'), Buffer.from('55aa', 'hex').toString('latin1').padStart(512, '\0'), 'latin1');
    await mkdir(join(home, 'empty'));
    await expect(examine('package.tar.gz')).rejects.toThrow(/package\.manifest of .* is not valid/);
    await expect(examine('other.tar.gz')).rejects.toThrow(/neither an ops package nor an image/);
    await expect(examine('script')).rejects.toThrow(/it is a script/);
    await expect(examine('text')).rejects.toThrow(/nothing of these/);
    await expect(examine('nothing')).rejects.toThrow(/it is empty/);
    for (const disk of ['disk', 'booted'])
      await expect(examine(disk)).rejects.toMatchObject({ hint: expect.stringContaining('image info') });
    await expect(examine('empty')).rejects.toThrow(/neither an ops package nor an OCI layout/);
    await expect(examine('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(call('imports:examine', { source: 'script' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('never takes the place of files that are there', async () => {
    await mkdir(join(home, 'full'));
    await copyFile(program, join(home, 'full/own'));
    await expect(create(program, { dir: 'full' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS', exitCode: 2 });
    await expect(create(program, { dir: program })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readdir(join(home, 'full'))).toEqual(['own']);
    await mkdir(join(home, 'empty'));
    expect((await create(program, { dir: 'empty' })).dir).toBe(join(home, 'empty'));
    await expect(create(program, { name: 'No Name' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});

import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import type { CallContext } from '#shared/contract/index.ts';
import { createLayout } from '../store/layout.ts';
import { createProjectService, type ProjectService } from './project-service.ts';

const resources = locateResources();
const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };
let home: string;
let dir: string;
let service: ProjectService;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'fl-trust-')));
  dir = join(home, 'foreign');
  await mkdir(dir);
  await writeFile(join(home, 'key'), 'private');
  await writeFile(join(dir, 'data.txt'), 'its own');
  service = newService();
});
afterEach(async () => {
  await service.close();
  await rm(home, { recursive: true, force: true });
});

const newService = () =>
  createProjectService({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    resources,
    runtimes,
    bundlings,
    emit: () => undefined,
  });

async function asksOf(config: object) {
  await writeFile(join(dir, 'firstlight.json'), JSON.stringify({ name: 'foreign', runtime: 'nanos', ...config }));
  const { asks, problems } = await service.open(dir);
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return asks.map(({ kind, subject }) => [kind, subject]);
}

describe('the requests of a project', () => {
  it('is nothing while it keeps to its own folder and its ports', async () => {
    await symlink('data.txt', join(dir, 'link.txt'));
    expect(await asksOf({ files: { '/a': 'data.txt', '/b': `${dir}/link.txt` }, ports: [{ guest: 53 }] })).toEqual([]);
    expect(await asksOf({ runtime: 'ember' })).toEqual([]);
    expect(await asksOf({ program: '/usr/bin/env' })).toEqual([]);
    expect(await asksOf({ image: 'docker://registry.example/team/app:1' })).toEqual([]);
  });

  it('is every file outside, however it is named', async () => {
    const key = join(home, 'key');
    await symlink(key, join(dir, 'innocent'));
    await mkdir(join(home, 'packages'));
    expect(await asksOf({ files: { '/k': '../key', '/l': 'innocent', '/m': key } })).toEqual([
      ['file', key],
      ['file', key],
      ['file', key],
    ]);
    expect(await asksOf({ program: '../key' })).toEqual([['file', key]]);
    expect(await asksOf({ package: home })).toEqual([['file', home]]);
    expect(await asksOf({ image: 'oci-archive:../key' })).toEqual([['file', key]]);
    const python = { script: 'main.py', packages: '../packages', interpreter: './python' };
    expect(await asksOf({ python })).toEqual([
      ['file', join(home, 'packages')],
      ['program', join(dir, 'python')],
    ]);
  });

  it('is what a build runs on this machine, networks and volumes', async () => {
    expect(await asksOf({ node: './node' })).toEqual([['program', join(dir, 'node')]]);
    expect(await asksOf({ volumes: { db: { mount: '/db', sizeMiB: 8 } } })).toEqual([['volume', 'db']]);
    const network = (value: object) => asksOf({ nanos: { network: value } });
    expect(await network({ kind: 'user', outbound: true })).toEqual([['network', 'outbound']]);
    expect(await asksOf({ runtime: 'ember', ember: { network: { kind: 'user', outbound: true } } })).toEqual([
      ['network', 'outbound'],
    ]);
    expect(await asksOf({ runtime: 'ember', ember: { network: { kind: 'user' } } })).toEqual([]);
    expect(await asksOf({ runtime: 'ember', ember: { assets: 'public' } })).toEqual([]);
    expect(await asksOf({ runtime: 'ember', ember: { assets: '/etc' } })).toEqual([['file', '/etc']]);
    expect(await network({ kind: 'bridge', name: 'br0' })).toEqual([['network', 'br0']]);
    expect(await network({ kind: 'user' })).toEqual([]);
  });
});

describe('trust', () => {
  it('is given once by a person, kept by the real path, and taken back', async () => {
    await asksOf({ node: './node' });
    const { id: projectId, trusted } = await service.open(dir);
    expect(trusted).toBe(false);
    const trust = (value: boolean) => service.calls['projects:trust']({ projectId, trusted: value }, context);
    expect(await trust(true)).toMatchObject({ trusted: true });
    const link = join(home, 'link');
    await symlink(dir, link);
    const later = newService();
    expect(await later.open(link)).toMatchObject({ trusted: true, dir });
    await later.close();
    expect(await trust(false)).toMatchObject({ trusted: false });
    expect(await service.get(projectId)).toMatchObject({ trusted: false });
  });

  it('goes to what Firstlight itself made for a person', async () => {
    const made = await service.calls['projects:create'](
      { name: 'mine', template: 'hello', dir: join(home, 'mine') },
      context,
    );
    expect(made).toMatchObject({ trusted: true, asks: [] });
  });

  it('goes to a project made of a source that asks for no more than lies beside it', async () => {
    await asksOf({ files: { '/k': '../key' } });
    expect(await service.openOwn(dir, [join(dir, 'data.txt')])).toMatchObject({ trusted: false });
    expect(await service.openOwn(dir, [home])).toMatchObject({ trusted: true });
  });
});

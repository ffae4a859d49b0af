import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, until, whyNot } from '../integration/studio.ts';
import { makeKillable } from './killed.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster() ?? whyNotOwn();

describe.skipIf(reason !== null)(`a deploy that is killed${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const killable = makeKillable('test', reason === null ? makeHome() : '');
  const { run, list, status, edit, settings, killAt, finish, kubectl } = killable;
  const cache = (...names: string[]) => join(killable.home, 'fl/cache', ...names);

  beforeAll(async () => {
    await killable.start({});
    settings({});
    edit('one');
  });
  afterAll(killable.stop);

  it('before anything is applied leaves nothing on the cluster', async () => {
    const uploads = join(
      killable.own()?.dir ?? '',
      'registry/docker/registry/v2/repositories/functions/greet/_uploads',
    );
    const moments: [string, RegExp | (() => boolean)][] = [
      ['build', () => existsSync(cache('bundles'))],
      ['image', () => existsSync(cache('pod-layers/sha256')) && readdirSync(cache('pod-layers/sha256')).length > 0],
      ['push', () => existsSync(uploads)],
      ['apply', /^PATCH .*\/deployments\/greet\?/],
    ];
    for (const [moment, reached] of moments) {
      await killAt(reached);
      expect([moment, await list(), await status()]).toEqual([moment, [], null]);
    }
  });

  const halfDeployed = {
    state: 'progressing',
    message: expect.stringMatching(/^the deploy of 2\S+ has not put all its parts in place/),
  };
  const replicas = async () =>
    (await kubectl('get', 'deployment/greet', '-o', 'jsonpath={.status.readyReplicas}')).trim();

  it('between two objects says so, also when its pod is ready, until a deploy has ended', async () => {
    await killAt(/^PATCH .*\/services\/greet\?/);
    await until('its pod is ready', async () => (await replicas()) === '1', 60_000);
    expect(await list()).toMatchObject([{ name: 'greet', ...halfDeployed }]);
    expect(await status()).toMatchObject(halfDeployed);
    await expect(kubectl('get', 'service/greet')).rejects.toThrow(/not found/);
    await killAt(/^GET .*\/deployments\?.*watch=/);
    await until('it is ready', async () => (await status())?.state === 'ready', 60_000);
    expect(await status()).toMatchObject({ revision: 1, message: '' });
  });

  it('in mid-update is told of, and finished by the next one', async () => {
    edit('two');
    await killAt(/^PATCH .*\/services\/greet\?/);
    await until(
      'its pod is ready',
      async () => (await status())?.replicas.updated === 1 && (await replicas()) === '1',
      60_000,
    );
    expect(await list()).toMatchObject([{ name: 'greet', revision: 2, ...halfDeployed }]);
    expect(await finish()).toMatchObject({ revision: 2, answer: { body: '"two"' } });
    expect(await list()).toMatchObject([{ state: 'ready', revision: 2, message: '' }]);
    edit('three');
    await killAt(/^GET .*\/services\/greet:http\/proxy\//);
    expect(await status()).toMatchObject({ state: 'ready', revision: 3, message: '' });
    expect(await finish()).toMatchObject({ revision: 3, answer: { body: '"three"' } });
  });

  it('and an undeploy that is killed is told of as well', async () => {
    await killAt(/^DELETE .*\/services\/greet/, 'deploy', 'undeploy', 'greet');
    const message = expect.stringMatching(/^the undeploy of 2\S+ has not taken all its parts away/);
    expect(await list()).toMatchObject([{ name: 'greet', state: 'progressing', message }]);
    expect(await finish()).toMatchObject({ answer: { body: '"three"' } });
    expect(await list()).toMatchObject([{ state: 'ready', message: '' }]);
    await run('deploy', 'undeploy', 'greet');
    expect(await list()).toEqual([]);
  });

  const secretOnly = { state: 'progressing', message: expect.stringMatching(/only the Secret greet-secrets is there/) };
  const secrets = async () => (await kubectl('get', 'secrets', '-o', 'name')).trim().split('\n');

  it('after its Secret and nothing else is told of, taken away, or finished', async () => {
    settings({ deploy: { secrets: { WORD: { env: 'WORD' } } } });
    await run('trust', killable.dir);
    for (const next of ['undeploy', 'deploy']) {
      await killAt(/^PATCH .*\/deployments\/greet\?/);
      expect(await secrets()).toContain('secret/greet-secrets');
      expect(await list()).toMatchObject([{ name: 'greet', workload: 'deployment', ...secretOnly }]);
      expect(await status()).toMatchObject(secretOnly);
      if (next === 'undeploy') await run('deploy', 'undeploy', 'greet');
      else expect(await finish()).toMatchObject({ revision: 1, answer: { body: '"three"' } });
      expect(await secrets()).toEqual(['secret/pull', ...(next === 'deploy' ? ['secret/greet-secrets'] : [])].sort());
      expect(await list()).toMatchObject(next === 'deploy' ? [{ state: 'ready', message: '' }] : []);
    }
  });

  it('after a new value of its Secret is told of, and one that is refused is not', async () => {
    killable.env.WORD = 'second';
    await killAt(/^PATCH .*\/secrets\/greet-secrets\?/);
    expect(await list()).toMatchObject([{ name: 'greet', ...halfDeployed }]);
    expect(await finish()).toMatchObject({ revision: 2 });
    expect(await list()).toMatchObject([{ state: 'ready', message: '' }]);
    const other = ['patch', 'secret/greet-secrets', '--field-manager=other', '--type=merge'];
    await kubectl(...other, '-p', JSON.stringify({ stringData: { WORD: 'theirs' } }));
    killable.env.WORD = 'third';
    await expect(finish()).rejects.toMatchObject({ actual: { code: 2 } });
    const kept = await kubectl('get', 'secret/greet-secrets', '-o', 'jsonpath={.data.WORD}');
    expect(Buffer.from(kept, 'base64').toString()).toBe('theirs');
    expect(await list()).toMatchObject([{ state: 'ready', revision: 2, message: '' }]);
  });
});

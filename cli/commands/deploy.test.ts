import { expect, test } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { Deployment } from '#shared/model/deploy.ts';
import { cli, type Parts } from '../testing/run-cli.ts';

const greet = {
  ...{ name: 'greet-1', place: 'node-a', cpuPercent: 1.25, memoryBytes: 48 << 20, restarts: 2 },
  source: 'metrics' as const,
};
const answering = (stats: (typeof greet)[] | object[]): Parts => ({ calls: { 'deploy:stats': () => stats as never } });
const stats = ['deploy', 'stats', 'greet', '--target', 'home'];

test('stats are a table of the instances', async () => {
  const young = { ...greet, name: 'greet-2', cpuPercent: null, memoryBytes: null, restarts: null };
  const { exitCode, out } = await cli(stats, answering([greet, young]));
  expect(exitCode).toBe(0);
  const lines = out.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^INSTANCE +ON +CPU +MEMORY +RESTARTS$/);
  expect(lines[1]).toMatch(/^greet-1 +node-a +1\.3 % +48\.0 MiB +2$/);
  expect(lines[2]).toMatch(/^greet-2 +node-a +- +- +-$/);
});

test('stats of a function without instances say so, and --json gives the list', async () => {
  expect((await cli(stats, answering([]))).out).toBe('No instance of greet is up.\n');
  const { out } = await cli([...stats, '--json'], answering([greet]));
  expect(JSON.parse(out)).toEqual([greet]);
});

test('the console of an instance is printed as it comes, until it ends', async () => {
  const asked: unknown[] = [];
  const parts: Parts = {
    streams: {
      'deploy:console': async (request, { write }) => {
        asked.push(request);
        await write(Buffer.from('\x1b[31mred\r\n(greet-1 is gone)\n'));
      },
    },
  };
  const consoleOf = ['deploy', 'console', 'greet', '--target', 'home'];
  expect(await cli(consoleOf, parts)).toMatchObject({ exitCode: 0, out: '\x1b[31mred\r\n(greet-1 is gone)\n' });
  await cli([...consoleOf, '--pod', 'greet-1'], parts);
  await cli([...consoleOf, '--instance', 'fn-greet-r1-0'], parts);
  const of = { target: 'home', name: 'greet' };
  expect(asked).toEqual([of, { ...of, instance: 'greet-1' }, { ...of, instance: 'fn-greet-r1-0' }]);
});

const failing: Deployment = {
  ...{ target: 'home', namespace: 'team', name: 'greet', workload: 'deployment', state: 'failing' },
  message: 'pods "greet-1" is forbidden:\nexceeded quota: small',
  replicas: { wanted: 1, ready: 0, updated: 0 },
  ...{ revision: 2, image: 'r/greet@sha256:1', runtime: 'ember', deployedAt: '2026-01-01T00:00:00Z' },
  endpoint: 'http://greet.team',
};

test.each([
  ['no pod', new FirstlightError('NOT_FOUND', 'greet has no pod in team.')],
  ['no right', new FirstlightError('CLUSTER_DENIED', 'pods is forbidden:\nnot you')],
  ['no connection', new FirstlightError('CLUSTER_UNREACHABLE', 'it broke the connection off.')],
])('status says why a function fails whose cold start cannot be read: %s', async (_, error) => {
  const parts: Parts = {
    calls: {
      'deploy:get': () => failing,
      'deploy:coldStart': () => {
        throw error;
      },
    },
  };
  const status = ['deploy', 'status', 'greet', '--target', 'home'];
  const { exitCode, out, err } = await cli(status, parts);
  expect(exitCode).toBe(5);
  expect(out).toContain(`greet on home (team) is failing: ${failing.message}`);
  expect(err).toBe(`No cold start is shown: ${error.message.replace('\n', ' ')}\n`);
  expect(JSON.parse((await cli([...status, '--json'], parts)).out)).toEqual({ ...failing, coldStart: null });
});

test('the list says why functions are not ready, a line for each', async () => {
  const ready: Deployment = { ...failing, name: 'hello', state: 'ready', message: '' };
  const list = async (...found: Deployment[]) => {
    const { out } = await cli(['deploy', 'list', '--target', 'home'], { calls: { 'deploy:list': () => found } });
    return out.trimEnd().split('\n');
  };
  const [headings, first, second, ...more] = await list(failing, ready);
  expect(headings).toMatch(/ENDPOINT +WHY$/);
  expect(first).toMatch(/http:\/\/greet\.team +pods "greet-1" is forbidden: exceeded quota: small$/);
  expect(second).toMatch(/http:\/\/greet\.team$/);
  expect(more).toEqual([]);
  expect((await list(ready))[0]).toMatch(/ENDPOINT$/);
});

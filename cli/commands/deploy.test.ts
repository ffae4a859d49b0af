import { expect, test } from 'vitest';
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
